using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Runtime.Guard;

/// <summary>Bytes a model takes: external data included, and weights that are stored in few bits as the floats that the engine makes of them.</summary>
internal static class ModelSize
{
    /// <summary>Files up to here need not be read for it: whatever they hold becomes less than what is allowed anyway.</summary>
    private const long Small = 16L << 20;

    public static long Of(string path)
    {
        long size = new FileInfo(path).Length;
        // Only a model that is not alone in its folder can have external data.
        if (size <= Small && !Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(path)!).Any(entry => !entry.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) && Path.GetFileName(entry) != ScratchFolder.LockName))
            return size;
        try
        {
            Model model = Model.Load(path, new() { SkipExternalData = true });
            return size + model.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Tensor).OfType<Tensor>().Distinct().Sum(InMemory);
        }
        catch (OnnxException)
        {
            return size; // broken: the engine will say so
        }
    }

    /// <summary>Bytes beyond those of the model file.</summary>
    private static long InMemory(Tensor tensor) => (tensor.IsExternal ? tensor.ByteLength : 0)
        + (tensor.Type is ElementType.Int8 or ElementType.UInt8 or ElementType.Int4 or ElementType.UInt4 or ElementType.Int2 or ElementType.UInt2 or ElementType.Float16 or ElementType.BFloat16 ? tensor.Length * sizeof(float) : 0);
}
