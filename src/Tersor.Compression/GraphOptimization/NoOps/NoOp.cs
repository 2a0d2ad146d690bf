using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>What a rule found out about a node.</summary>
internal abstract record NoOp
{
    private NoOp()
    {
    }

    /// <summary>The node's first output always equals <paramref name="Value"/>.</summary>
    public sealed record SameAs(Value Value) : NoOp;

    /// <summary>Another input would do: the node may read <paramref name="Value"/> as its first input, and what stood between is no longer needed.</summary>
    public sealed record Shortcut(Value Value, string What, Action<Node>? Adjust = null) : NoOp;

    /// <summary>It may do something, and why.</summary>
    public sealed record Needed(string Reason) : NoOp;
}
