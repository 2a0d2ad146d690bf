using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Models that cannot be handed over as one block of memory: those above 2 GB, and those whose weights lie beside the file.</summary>
internal static class TemporaryModel
{
    // Half of protobuf's limit: below it a copy in memory is cheaper than a file.
    private const long MaxBytes = 1_000_000_000;

    public static bool IsNeeded(Model model) => Tensors(model).Sum(t => t.ByteLength) > MaxBytes;

    public static string Save(Model model, DirectoryInfo folder)
    {
        string path = Path.Combine(folder.FullName, "model.onnx");
        model.Save(path, new() { ExternalData = IsNeeded(model) ? ExternalDataMode.Always : ExternalDataMode.Never });
        return path;
    }

    private static IEnumerable<Tensor> Tensors(Model model) => model.AllConstants().Select(v => v.Tensor).OfType<Tensor>().Distinct();
}
