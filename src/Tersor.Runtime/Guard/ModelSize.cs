using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Runtime.Guard;

/// <summary>Bytes of a model, external data included.</summary>
internal static class ModelSize
{
    public static long Of(string path)
    {
        long size = new FileInfo(path).Length;
        // Only a model that is not alone in its folder can have external data: others need not be parsed for it.
        if (!Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(path)!).Any(entry => !entry.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) && Path.GetFileName(entry) != ScratchFolder.LockName))
            return size;
        try
        {
            Model model = Model.Load(path, new() { SkipExternalData = true });
            return size + model.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Tensor).OfType<Tensor>().Distinct().Where(t => t.IsExternal).Sum(t => t.ByteLength);
        }
        catch (OnnxException)
        {
            return size; // broken: the engine will say so
        }
    }
}
