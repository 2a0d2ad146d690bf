using System.Text;
using Google.Protobuf;
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
            return Build(proto, new TensorReader(Path.GetDirectoryName(full)!, options));
        }
        catch (OnnxException e)
        {
            throw new OnnxException($"{path}: {e.Message}", e.InnerException);
        }
    }

    /// <summary>Reads a model from a stream. External data is refused: a stream has no folder.</summary>
    public static Model Load(Stream stream) => Build(Parse(stream), new TensorReader(null, new()));

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
        try
        {
            ModelProto proto = ModelProto.Parser.ParseFrom(stream);
            if (!proto.HasIrVersion && proto.Graph is null)
                throw new OnnxException($"is not an ONNX model{Guess(stream)}.");
            return proto;
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or ArgumentException or OverflowException)
        {
            string reason = e.Message.Contains("nesting", StringComparison.Ordinal) ? "is nested deeper than 100 messages"
                : e.Message.Contains("ended unexpectedly", StringComparison.Ordinal) ? "ends in the middle of a message: it is truncated or broken"
                : "is broken";
            throw new OnnxException($"is not a valid ONNX file: it {reason}{Guess(stream)}.", e);
        }
    }

    /// <summary>What the file looks like instead, from its first bytes.</summary>
    private static string Guess(Stream stream)
    {
        if (!stream.CanSeek)
            return "";
        stream.Position = 0;
        byte[] head = new byte[16];
        string start = Encoding.Latin1.GetString(head, 0, stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        return start switch
        {
            "" => " (it is empty)",
            _ when start.StartsWith("version https://", StringComparison.Ordinal) => " (it is a Git LFS pointer; fetch the file itself with 'git lfs pull')",
            _ when start.StartsWith("PK\u0003\u0004", StringComparison.Ordinal) => " (it looks like a zip archive, such as a PyTorch checkpoint; export it to ONNX first)",
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
        ReadOpsets(proto.OpsetImport, model.OpsetImports, "the model");
        if (model.OpsetImports.Count == 0 && proto.IrVersion < 3)
            model.OpsetImports[""] = 1; // the field did not exist yet
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
            if (import.Version < 1)
                throw new OnnxException($"{where} imports version {import.Version} of operator set '{(domain.Length == 0 ? "ai.onnx" : domain)}'; expected 1 or more.");
            // A set imported twice counts at its higher version, as in ONNX Runtime.
            target[domain] = target.TryGetValue(domain, out long known) ? Math.Max(known, import.Version) : import.Version;
        }
    }
}
