using Google.Protobuf;
using Tersor.Onnx.Files;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Writing;

/// <summary><see cref="Model"/> → file. A file under its final name is complete: it is written under another, checked, and renamed; data first, model last.</summary>
internal static class ModelWriter
{
    private const int Alignment = 4096; // a page, so that an engine can map large tensors

    public static void Save(Model model, string path, WriteOptions options)
    {
        string full = OutputFile.Target(path);
        ScopeNames.MakeDistinct(model);
        try
        {
            WriteJournal.CleanUp(full);
            Write(model, path, full, options);
        }
        catch (IOException e)
        {
            throw new IOException($"{path}: cannot be written: {e.Message} What had this name before is unchanged.", e);
        }
    }

    private static void Write(Model model, string path, string full, WriteOptions options)
    {
        using OutputFile file = new(full) { Durable = options.Durable };
        using OutputFile? data = UsesExternalData(model, options) ? OutputFile.ForData(full, options.Durable) : null;
        long dataLength = 0;
        try
        {
            ModelEncoder encoder = new(data is null ? null : new DataLayout(data, options.ExternalDataThreshold).Place);
            ModelProto proto = encoder.Encode(model);
            dataLength = data?.Stream.Length ?? 0;
            if (encoder.InlineBytes > int.MaxValue || proto.CalculateSize() < 0) // int overflow: more than 2 GB
                throw new OverflowException();
            proto.WriteTo(file.Stream);
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            throw new OnnxException($"{path}: the model exceeds the 2 GB a protobuf file can hold; write it with external data.", e);
        }
        if (dataLength == 0)
            data?.Discard();
        file.Close();
        IReadOnlyList<string> stale = ModelDataFiles.Of(full);
        using WriteJournal? journal = dataLength > 0 || stale.Count > 0 ? new(full, dataLength > 0 ? [data!.FinalPath, .. stale] : stale) : null;
        try
        {
            data?.Commit();
            options.Verify?.Invoke(file.TemporaryPath);
            file.Commit();
        }
        catch
        {
            if (dataLength > 0)
                data!.Revoke();
            throw;
        }
        foreach (string old in stale)
            File.Delete(old);
    }

    /// <summary>The model as bytes, everything inside. For sessions made from memory.</summary>
    public static byte[] ToBytes(Model model)
    {
        ScopeNames.MakeDistinct(model);
        return new ModelEncoder(null).Encode(model).ToByteArray();
    }

    private static bool UsesExternalData(Model model, WriteOptions options) => options.ExternalData switch
    {
        ExternalDataMode.Always => true,
        ExternalDataMode.Never => false,
        _ => Constants(model).Any(t => t.IsExternal) || Constants(model).Sum(t => t.ByteLength) > options.MaxInlineBytes,
    };

    private static IEnumerable<Tensor> Constants(Model model) => model.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Initializer).OfType<Tensor>().Distinct();

    /// <summary>Puts tensors into the data file as they come, each once.</summary>
    private sealed class DataLayout(OutputFile data, int threshold)
    {
        private readonly Dictionary<Tensor, (string, long, long)> places = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Tensor>);
        private readonly string location = Path.GetFileName(data.FinalPath);

        public (string Location, long Offset, long Length)? Place(Tensor tensor)
        {
            if (tensor.ByteLength < threshold)
                return null;
            if (places.TryGetValue(tensor, out (string, long, long) known))
                return known;
            Stream stream = data.Stream;
            if (tensor.ByteLength >= Alignment)
                stream.Write(new byte[(Alignment - (int)(stream.Position % Alignment)) % Alignment]);
            long offset = stream.Position;
            tensor.CopyBytesTo(span => stream.Write(span));
            return places[tensor] = (location, offset, tensor.ByteLength);
        }
    }
}
