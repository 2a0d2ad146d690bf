using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Runtime;

/// <summary>Models that are better handed over as files than as one block of memory: the engine maps weights that lie beside a file, and would hold those of a block twice. Above 2 GB there is no other way.</summary>
public static class TemporaryModel
{
    // Below it a copy in memory is cheaper than a file.
    private const long MaxBytes = 16 << 20;

    /// <summary>Bytes of the smallest tensor that is worth a place of its own in the data file.</summary>
    private const int LeastBeside = 4096;

    /// <summary>Whether it is so large.</summary>
    public static bool IsNeeded(Model model) => Tensors(model).Sum(t => t.ByteLength) > MaxBytes;

    /// <summary>Writes a model to be read once: the weights of a large one beside it.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="name">The file's name.</param>
    /// <returns>Its path.</returns>
    public static string Save(Model model, ScratchFolder folder, string name = "model.onnx")
    {
        string path = folder.At(name);
        model.Save(path, new() { ExternalData = IsNeeded(model) ? ExternalDataMode.Always : ExternalDataMode.Never, ExternalDataThreshold = LeastBeside, Durable = false });
        return path;
    }

    private static IEnumerable<Tensor> Tensors(Model model) => model.AllConstants().Select(v => v.Tensor).OfType<Tensor>().Distinct();
}
