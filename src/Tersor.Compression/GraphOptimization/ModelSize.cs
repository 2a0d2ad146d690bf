using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Bytes of a model's file with all weights inside.</summary>
internal static class ModelSize
{
    public static long Of(Model model)
    {
        long tensors = model.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Tensor).OfType<Tensor>().Distinct().Sum(t => t.ByteLength);
        return tensors < 1L << 30 ? model.ToBytes().LongLength : tensors; // beyond, nodes are noise
    }

    public static IReadOnlyDictionary<string, int> Nodes(Model model) =>
        model.AllNodes().GroupBy(n => n.IsStandard ? n.OpType : $"{n.Domain}.{n.OpType}").OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count());
}
