using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>What passes leave behind and take away themselves.</summary>
internal static class ModelCleanup
{
    /// <summary>Removes initializers and Constant nodes nothing reads any more; never a graph input.</summary>
    public static void RemoveUnusedInitializers(this Model model)
    {
        foreach (Graph graph in model.AllGraphs().ToArray())
        {
            foreach (Value value in graph.Initializers.Where(v => v.IsUnused && !v.IsOverridable).ToArray())
                graph.RemoveInitializer(value);
            foreach (Node node in graph.Nodes.Where(n => n.Is("Constant") && n.Outputs[0] is { IsUnused: true }))
                node.Remove();
        }
    }
}
