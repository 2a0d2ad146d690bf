using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Takes nodes out of a graph without leaving an Identity behind.</summary>
internal static class Rewire
{
    /// <summary>Why <paramref name="other"/> cannot stand for <paramref name="value"/> everywhere without a new Identity node; null when it can.</summary>
    public static string? Obstacle(Value value, Value other)
    {
        if (!value.IsGraphOutput)
            return null;
        Graph graph = value.Graph;
        if (graph.WithNested().Skip(1).Any(g => g.Outputs.Contains(value)))
            return "a nested body gives its output out";
        if (other.Producer is null || !ReferenceEquals(other.Graph, graph))
            return "carries a graph output's name, and its input is made by no node of this graph";
        if (other.IsGraphOutput || graph.Outputs.Count(o => ReferenceEquals(o, value)) > 1)
            return "its input is a graph output under another name";
        return graph.IsMain && other.Producer.Is("Constant") ? "carries a graph output's name, and its input is a constant" : null;
    }

    /// <summary>Lets readers of the node's first output read <paramref name="other"/>, and removes the node. Other outputs must be unused.</summary>
    public static void Bypass(Node node, Value other)
    {
        node.Outputs[0]!.ReplaceAllUsesWith(other);
        node.Remove();
    }

    /// <summary>True when <paramref name="value"/> is read in one place only and by no graph's outputs.</summary>
    public static bool HasOneReader(Value value) => value.Uses.Count == 1 && !value.IsGraphOutput;

    /// <summary>Removes a node nothing reads any more, and then those that only it read.</summary>
    public static void RemoveChain(Node node)
    {
        if (!node.IsInGraph || node.Outputs.Any(o => o is { IsUnused: false }))
            return;
        Value?[] inputs = [.. node.Inputs];
        node.Remove();
        foreach (Value? input in inputs)
        {
            if (input is { IsUnused: true, Producer: { } producer })
                RemoveChain(producer);
            else
                RemoveIfUnused(input);
        }
    }

    /// <summary>Removes the producer of a value nothing reads, or the initializer.</summary>
    public static void RemoveIfUnused(Value? value)
    {
        if (value is not { IsUnused: true })
            return;
        if (value.Producer is { IsInGraph: true } node && node.Outputs.All(o => o is null or { IsUnused: true }))
            node.Remove();
        else if (value.IsInitializer && !value.IsGraphInput)
            value.Graph.RemoveInitializer(value);
    }
}
