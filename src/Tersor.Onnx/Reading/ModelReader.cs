using System.Text;
using Google.Protobuf;
using Tersor.Onnx.Files;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Reading;

/// <summary>File → <see cref="Model"/>. The file is untrusted: everything it claims is checked before it is believed.</summary>
internal static class ModelReader
{
    /// <summary>Newest ir_version this library knows (ONNX 1.20).</summary>
    private const long NewestIrVersion = 13;

    public static Model Load(string path, ReadOptions options)
    {
        string full = Path.GetFullPath(path);
        try
        {
            using FileStream stream = OpenRegularFile(full);
            ModelProto proto = Parse(stream);
            Model model = Build(proto, new TensorReader(Path.GetDirectoryName(full)!, options));
            if (options.InputsAreConstants)
                DelistWeights(model);
            return model;
        }
        catch (OnnxException e)
        {
            throw new OnnxException($"{path}: {e.Message}", e.InnerException);
        }
        catch (Exception e) when (e is (IOException and not FileNotFoundException) or UnauthorizedAccessException)
        {
            throw new OnnxException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a model from a stream. External data is refused: a stream has no folder.</summary>
    public static Model Load(Stream stream)
    {
        TensorReader tensors = new(null, new());
        if (stream.CanSeek)
            return Build(Parse(stream), tensors);
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        copy.Position = 0;
        return Build(Parse(copy), tensors);
    }

    private static void DelistWeights(Model model)
    {
        foreach (Value value in model.AllGraphs().SelectMany(g => g.Inputs).Where(v => v.IsInitializer).ToArray())
            value.Graph.RemoveInput(value);
    }

    private static FileStream OpenRegularFile(string path)
    {
        if (Directory.Exists(path))
            throw new OnnxException("is a folder; expected an ONNX model file.");
        FileKind kind = FileKind.Of(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        if (!kind.Exists)
            throw new FileNotFoundException($"{path}: no such file.", path);
        if (!kind.IsRegularFile)
            throw new OnnxException("is not a regular file; expected an ONNX model file.");
        FileStream stream = new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, Options = FileOptions.SequentialScan, BufferSize = 1 << 16 });
        if (stream.Length > int.MaxValue)
        {
            stream.Dispose();
            throw new OnnxException($"has {stream.Length} bytes; a protobuf file ends at 2 GB. Larger models keep their weights as external data beside the model.");
        }
        return stream;
    }

    private static ModelProto Parse(Stream stream)
    {
        long start = stream.Position;
        try
        {
            WireScan.Check(stream);
            ModelProto proto = ModelProto.Parser.ParseFrom(stream);
            return proto.HasIrVersion || proto.Graph is not null ? proto : throw new OnnxException("has none of a model's fields");
        }
        catch (OnnxException e)
        {
            throw new OnnxException($"is not a valid ONNX file: it {e.Message}{Guess(stream, start)}.", e);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or ArgumentException or OverflowException)
        {
            string reason = e is ArgumentException || e.Message.Contains("UTF-8", StringComparison.Ordinal) || e.InnerException is ArgumentException ? "holds text that is not UTF-8" : "is broken";
            throw new OnnxException($"is not a valid ONNX file: it {reason}{Guess(stream, start)}.", e);
        }
    }

    /// <summary>What the file looks like instead, from its first bytes.</summary>
    private static string Guess(Stream stream, long position)
    {
        stream.Position = position;
        byte[] head = new byte[16];
        string start = Encoding.Latin1.GetString(head, 0, stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        return start switch
        {
            "" => " (it is empty)",
            _ when start.StartsWith("version https://", StringComparison.Ordinal) => " (it is a Git LFS pointer; fetch the file itself with 'git lfs pull')",
            _ when start.StartsWith("PK\u0003\u0004", StringComparison.Ordinal) => " (it looks like a zip archive, such as a PyTorch checkpoint; export it to ONNX first)",
            { Length: < 16 } => "",
            _ when start[4..].StartsWith("TFL3", StringComparison.Ordinal) => " (it looks like a TensorFlow Lite model)",
            _ when start[4..].StartsWith("ORTM", StringComparison.Ordinal) => " (it looks like an ONNX Runtime .ort file; use the .onnx file it was made from)",
            _ when start.StartsWith('<') => " (it looks like HTML or XML: perhaps a failed download)",
            _ when start.StartsWith("\u0089HDF", StringComparison.Ordinal) => " (it looks like an HDF5 file, such as a Keras model; export it to ONNX first)",
            _ => "",
        };
    }

    private static Model Build(ModelProto proto, TensorReader tensors)
    {
        if (proto.Graph is null)
            throw new OnnxException("has no graph.");
        if (proto.IrVersion is < 1 or > 1000)
            throw new OnnxException($"has ir_version {proto.IrVersion}; expected 1..{NewestIrVersion}.");
        Model model = new(1, proto.IrVersion, proto.Graph.Name)
        {
            ProducerName = proto.ProducerName,
            ProducerVersion = proto.ProducerVersion,
        };
        model.OpsetImports.Clear();
        ReadOpsets(proto.OpsetImport, model.OpsetImports, "the model");
        if (model.OpsetImports.Count == 0)
        {
            if (proto.IrVersion >= 3)
                throw new OnnxException("imports no operator set (opset_import), so that its operators have no meaning.");
            model.OpsetImports[""] = 1; // the field did not exist yet
        }
        foreach (StringStringEntryProto entry in proto.MetadataProps)
            model.Metadata[entry.Key] = entry.Value;

        GraphReader reader = new(tensors);
        reader.ReadMain(proto.Graph, model.Graph);
        foreach (FunctionProto function in proto.Functions)
            model.Functions.Add(reader.ReadFunction(function, model));
        FunctionCycles.Check(model);
        ConstraintTags.Read(model);

        proto.ClearIrVersion();
        proto.ClearProducerName();
        proto.ClearProducerVersion();
        proto.Graph = null;
        proto.OpsetImport.Clear();
        proto.MetadataProps.Clear();
        proto.Functions.Clear();
        model.Rest = proto.OrNullIfEmpty();
        return model;
    }

    internal static void ReadOpsets(IEnumerable<OperatorSetIdProto> imports, IDictionary<string, long> target, string where)
    {
        foreach (OperatorSetIdProto import in imports)
        {
            string domain = Model.NormalizeDomain(import.Domain);
            long newest = domain.Length == 0 ? 1000 : int.MaxValue; // the newest known is 25: a higher one may come, a thousand will not
            if (import.Version < 1 || import.Version > newest)
                throw new OnnxException($"{where} imports version {import.Version} of operator set '{(domain.Length == 0 ? "ai.onnx" : domain)}'; expected 1..{newest}.");
            // A set imported twice counts at its higher version, as in ONNX Runtime.
            target[domain] = target.TryGetValue(domain, out long known) ? Math.Max(known, import.Version) : import.Version;
        }
    }
}
