using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Which operators give the same outputs for the same inputs, every time.</summary>
internal static class Determinism
{
    private static readonly HashSet<string> Random = new(StringComparer.Ordinal)
    {
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli",
    };

    /// <summary>Why the node may give other outputs each time, or null. Operators outside ONNX's own domains count as unknown, model-local functions as what their bodies are.</summary>
    public static string? Doubt(Node node, int depth = 0)
    {
        if (node.IsStandard)
        {
            return Random.Contains(node.OpType) ? "random"
                : node.OpType == "Dropout" && node.OpsetVersion >= 12 && node.Input(2) is not null ? "a Dropout that may be training"
                : node.Bodies.SelectMany(b => b.WithNested()).SelectMany(g => g.Nodes).Select(n => Doubt(n, depth)).FirstOrDefault(d => d is not null);
        }
        if (node.Graph.Model.FindFunction(node) is { } function)
            return depth > 32 ? "functions nested too deeply" : function.Body.Nodes.Select(n => Doubt(n, depth + 1)).FirstOrDefault(d => d is not null);
        return node.Domain is "ai.onnx.ml" or "com.microsoft" ? null : $"an operator of domain '{node.Domain}', which may have state";
    }
}
