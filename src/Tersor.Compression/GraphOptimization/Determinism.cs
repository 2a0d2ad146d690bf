using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Which operators give the same outputs for the same inputs, every time. One object looks into each body and function once, however often it is asked.</summary>
internal sealed class Determinism
{
    /// <summary>Bodies in bodies, and functions that call functions: the stack is finite, and no real model comes near.</summary>
    private const int MaxDepth = 200;

    private readonly Dictionary<Graph, string?> graphs = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Graph>);
    private int depth;

    /// <summary>Why the node may give other outputs each time, or null. Operators outside ONNX's own domains count as unknown, model-local functions as what their bodies are.</summary>
    public string? Doubt(Node node)
    {
        if (node.IsStandard)
        {
            return RandomSeeds.Draws(node) ? node.Is("Dropout") ? "a Dropout that may be training" : "random"
                : node.Bodies.Select(Doubt).FirstOrDefault(d => d is not null);
        }
        if (node.Graph.Model.FindFunction(node) is { } function)
            return Doubt(function.Body);
        return node.Domain is "ai.onnx.ml" or "com.microsoft" ? null : $"an operator of domain '{node.Domain}', which may have state";
    }

    private string? Doubt(Graph graph)
    {
        if (graphs.TryGetValue(graph, out string? known))
            return known;
        if (depth == MaxDepth)
            return "nested too deeply";
        graphs[graph] = "a function that calls itself"; // until it is known
        depth++;
        string? doubt = graph.Nodes.Select(Doubt).FirstOrDefault(d => d is not null);
        depth--;
        return graphs[graph] = doubt;
    }
}
