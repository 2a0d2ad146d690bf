using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Which nodes of a model each node of the engine's rewritten model stands for.</summary>
/// <remarks>
/// Fusion keeps the names of the values between fused nodes: what lies between a rewritten node's outputs and its inputs in the original is what it replaces. Where values were given another
/// layout and name too, the node's own name still tells: the engine adds to it, or makes it from its output's.
/// </remarks>
internal sealed partial class FusedNodes
{
    private const string BlockedSuffix = "_nchwc";

    /// <summary>Kernels fuse a layer, an activation and an addition with the conversions around them; a longer chain was only not told apart.</summary>
    private const int MostFused = 6;

    private readonly ILookup<string, Value> originals;
    private readonly Dictionary<(string Name, string OpType), Node> rewritten = [];
    private readonly Dictionary<string, Node> byName = [];
    private readonly HashSet<string> rewrittenValues;

    public FusedNodes(Model original, Model rewritten)
    {
        originals = original.AllNodes().SelectMany(n => n.Outputs).OfType<Value>().ToLookup(v => v.Name);
        rewrittenValues = [.. rewritten.AllNodes().SelectMany(n => n.Inputs.Concat(n.Outputs)).OfType<Value>().Select(v => v.Name)];
        foreach (Node node in original.AllNodes().Where(n => n.Name.Length > 0))
            byName.TryAdd(node.Name, node);
        foreach (Node node in rewritten.AllNodes())
            this.rewritten.TryAdd((node.Name, node.OpType), node);
    }

    /// <summary>The nodes a kernel stands for, in the order they are computed.</summary>
    public IReadOnlyList<Node> Sources(string name, string opType)
    {
        IReadOnlyList<Node> between = rewritten.TryGetValue((name, opType), out Node? node) ? Between(node.Outputs.OfType<Value>().SelectMany(o => originals[o.Name])) : [];
        if (byName.GetValueOrDefault(Added().Replace(name, "")) is { } own)
            return between.Count <= MostFused && between.Contains(own) ? between : [own];
        return between.Count == 0 && name.EndsWith(BlockedSuffix, StringComparison.Ordinal) ? Between(originals[name[..^BlockedSuffix.Length]]) : between;
    }

    private IReadOnlyList<Node> Between(IEnumerable<Value> outputs)
    {
        HashSet<Node> found = [];
        Stack<Value> pending = new(outputs);
        while (pending.TryPop(out Value? value))
        {
            if (value.Producer is not { } producer || producer.Is("Constant") || !found.Add(producer))
                continue;
            foreach (Value input in producer.Inputs.OfType<Value>())
            {
                // A value that still exists after the rewriting is made by another node, not by this one.
                if (!rewrittenValues.Contains(input.Name) && input.Constant is null)
                    pending.Push(input);
            }
        }
        return [.. found.Reverse()];
    }

    /// <summary>What the engine adds to the name of a node it makes anew: <c>_token_12</c>, <c>/MatMulAddFusion</c>.</summary>
    [System.Text.RegularExpressions.GeneratedRegex(@"(/\w+Fusion/?)?(_token_\d+)?$")]
    private static partial System.Text.RegularExpressions.Regex Added();
}
