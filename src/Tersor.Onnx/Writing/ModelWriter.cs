using Google.Protobuf;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Writing;

/// <summary><see cref="Model"/> → file. A file under its final name is complete: it is written under another, checked, and renamed; data first, model last.</summary>
internal static class ModelWriter
{
    private const int Alignment = 4096; // a page, so that an engine can map large tensors

    public static void Save(Model model, string path, WriteOptions options)
    {
        string full = Path.GetFullPath(path);
        ScopeNames.MakeDistinct(model);
        using PendingFile file = new(full);
        using PendingFile? data = UsesExternalData(model, options) ? PendingFile.ForData(full) : null;
        long dataLength = 0;
        try
        {
            ModelProto proto = data is null ? new ModelEncoder(null).Encode(model) : EncodeWithData(model, data, options.ExternalDataThreshold, out dataLength);
            if (proto.CalculateSize() < 0) // int overflow: more than 2 GB
                throw new OverflowException();
            proto.WriteTo(file.Stream);
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            throw new OnnxException($"{path}: the model exceeds the 2 GB a protobuf file can hold; write it with external data.", e);
        }
        if (dataLength == 0)
            data?.Discard();
        string[] stale = data is null ? [] : DataFilesOf(full);
        data?.Commit();
        try
        {
            file.Close();
            options.Verify?.Invoke(file.TemporaryPath);
            file.Commit();
        }
        catch
        {
            data?.Revoke();
            throw;
        }
        foreach (string old in stale.Where(s => s != data?.FinalPath))
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

    private static ModelProto EncodeWithData(Model model, PendingFile data, int threshold, out long length)
    {
        Dictionary<Tensor, (string, long, long)> places = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Tensor>);
        string location = Path.GetFileName(data.FinalPath);
        Stream stream = data.Stream;
        ModelProto proto = new ModelEncoder(Place).Encode(model);
        length = stream.Length;
        return proto;

        (string, long, long)? Place(Tensor tensor)
        {
            if (tensor.ByteLength < threshold)
                return null;
            if (places.TryGetValue(tensor, out (string, long, long) known))
                return known;
            if (tensor.ByteLength >= Alignment)
                stream.Write(new byte[(Alignment - (int)(stream.Position % Alignment)) % Alignment]);
            long offset = stream.Position;
            tensor.CopyBytesTo(span => stream.Write(span));
            return places[tensor] = (location, offset, tensor.ByteLength);
        }
    }

    /// <summary>Data files an earlier write to this path left beside it: those the model about to be replaced refers to, named as this class names them.</summary>
    private static string[] DataFilesOf(string path)
    {
        if (!File.Exists(path))
            return [];
        string folder = Path.GetDirectoryName(path)!, prefix = Path.GetFileName(path) + ".";
        try
        {
            using FileStream stream = File.OpenRead(path);
            return [.. (ModelProto.Parser.ParseFrom(stream).Graph?.Initializer ?? [])
                .SelectMany(t => t.ExternalData).Where(e => e.Key == "location").Select(e => e.Value).Distinct()
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith("data", StringComparison.Ordinal) && !name.Contains('/'))
                .Select(name => Path.Combine(folder, name)).Where(File.Exists)];
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or IOException)
        {
            return []; // what is replaced is no readable model: nothing of it is ours to delete
        }
    }
}
