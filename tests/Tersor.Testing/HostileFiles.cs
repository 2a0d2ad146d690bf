using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Tersor.Onnx.Protos;
using AttributeType = Tersor.Onnx.Protos.AttributeProto.Types.AttributeType;

namespace Tersor.Testing;

/// <summary>Files that must be refused with one clear error each, made anew in a folder of the caller's. Also a table of what is said about them.</summary>
public static class HostileFiles
{
    /// <summary>Makes all files. Those this system or user cannot make (device nodes without privileges, links on Windows) are left out.</summary>
    /// <param name="folder">An empty folder; each file gets one of its own in it.</param>
    /// <returns>A name in words and the path to open, for each.</returns>
    public static IReadOnlyList<(string Name, string Path)> Create(string folder)
    {
        HostileSet files = new(folder);
        ExternalData(files);
        Tensors(files);
        NotModels(files);
        Graphs(files);
        Structure(files);
        Sizes(files);
        return files.All;
    }

    private static void ExternalData(HostileSet files)
    {
        files.External("external data at an absolute path", "/etc/passwd");
        files.External("external data on a Windows drive", @"C:\Windows\win.ini");
        files.External("external data above the folder", "../weights.bin", dir => File.WriteAllBytes(Path.Combine(dir, "..", "weights.bin"), new byte[64]));
        files.External("external data above the folder, hidden in the middle", "sub/../../weights.bin", dir => Directory.CreateDirectory(Path.Combine(dir, "sub")));
        files.External("external data above the folder, with backslashes", @"..\weights.bin");
        files.External("external data with an empty location", "");
        files.External("external data without a location", null);
        files.External("external data with a NUL in its location", "weights\0.bin");
        files.External("external data with a line break in its location", "weights\nfake: all good");
        files.External("external data that is missing", "nowhere.bin");
        files.External("external data that is a folder", "weights", dir => Directory.CreateDirectory(Path.Combine(dir, "weights")));
        files.External("external data with a file as folder", "weights/x.bin", dir => File.WriteAllBytes(Path.Combine(dir, "weights"), new byte[64]));
        files.External("external data with a location of a megabyte", new string('w', 1 << 20));
        files.External("external data that begins beyond the file", "w.bin", Bytes(64), offset: "1000000");
        files.External("external data that ends beyond the file", "w.bin", Bytes(63));
        files.External("external data with an offset that overflows", "w.bin", Bytes(64), offset: "9223372036854775807");
        files.External("external data with an offset of 30 digits", "w.bin", Bytes(64), offset: new string('9', 30));
        files.External("external data with a negative offset", "w.bin", Bytes(64), offset: "-64");
        files.External("external data with an offset in words", "w.bin", Bytes(64), offset: "zero");
        files.External("external data with a length that is too short", "w.bin", Bytes(64), length: "60");
        files.External("external data with a negative length", "w.bin", Bytes(64), length: "-1");
        if (OperatingSystem.IsWindows())
            return;
        files.External("external data behind a symbolic link", "w.bin", dir =>
        {
            File.WriteAllBytes(Path.Combine(dir, "real.bin"), new byte[64]);
            File.CreateSymbolicLink(Path.Combine(dir, "w.bin"), "real.bin");
        });
        files.External("external data behind a link to a device", "w.bin", dir => File.CreateSymbolicLink(Path.Combine(dir, "w.bin"), "/dev/zero"));
        files.External("external data behind a link to itself", "w.bin", dir => File.CreateSymbolicLink(Path.Combine(dir, "w.bin"), "w.bin"));
        files.External("external data in a linked folder", "sub/w.bin", dir =>
        {
            string other = Directory.CreateDirectory(Path.Combine(dir, "..", "elsewhere")).FullName;
            File.WriteAllBytes(Path.Combine(other, "w.bin"), new byte[64]);
            Directory.CreateSymbolicLink(Path.Combine(dir, "sub"), other);
        });
        files.External("external data that is a hard link", "w.bin", dir =>
        {
            File.WriteAllBytes(Path.Combine(dir, "real.bin"), new byte[64]);
            Run("ln", Path.Combine(dir, "real.bin"), Path.Combine(dir, "w.bin"));
        });
        files.External("external data that is a pipe", "w.bin", dir => Run("mkfifo", Path.Combine(dir, "w.bin")));
        files.External("external data that is a device", "w.bin", dir => Run("mknod", Path.Combine(dir, "w.bin"), "c", "1", "5"));
        files.Add("a pipe in place of the model", path => Run("mkfifo", path));
        files.Add("a link to itself in place of the model", path => File.CreateSymbolicLink(path, Path.GetFileName(path)));
        files.Existing("a device in place of the model", "/dev/zero");

        static Action<string> Bytes(int count) => dir => File.WriteAllBytes(Path.Combine(dir, "w.bin"), new byte[count]);
    }

    private static void Tensors(HostileSet files)
    {
        files.Tensor("raw data that is too short", t => t.RawData = ByteString.CopyFrom(new byte[63]));
        files.Tensor("raw data that is too long", t => t.RawData = ByteString.CopyFrom(new byte[65]));
        files.Tensor("no data at all", t => t.ClearRawData());
        files.Tensor("too few floats", t => Typed(t, 1).FloatData.Add(new float[15]));
        files.Tensor("too many 32-bit integers", t => Typed(t, 6).Int32Data.Add(new int[17]));
        files.Tensor("too few 64-bit integers", t => Typed(t, 7).Int64Data.Add(new long[1]));
        files.Tensor("too few doubles", t => Typed(t, 11).DoubleData.Add(new double[8]));
        files.Tensor("too many unsigned integers", t => Typed(t, 13).Uint64Data.Add(new ulong[32]));
        files.Tensor("too few half floats", t => Typed(t, 10).Int32Data.Add(new int[8]));
        files.Tensor("too many packed 4-bit integers", t => Typed(t, 22).Int32Data.Add(new int[16]));
        files.Tensor("bytes that are no bytes", t => Typed(t, 2).Int32Data.Add(Enumerable.Repeat(70000, 16)));
        files.Tensor("too few strings", t => Typed(t, 8).StringData.Add(ByteString.CopyFromUtf8("one")));
        files.Tensor("a shape whose product overflows", t => Shape(t, 1L << 40, 1L << 40));
        files.Tensor("a shape of 2^62 elements", t => Shape(t, 1L << 62));
        files.Tensor("a shape of a terabyte", t => Shape(t, 1L << 38));
        files.Tensor("a negative dimension", t => Shape(t, -16));
        files.Tensor("two negative dimensions", t => Shape(t, -4, -4));
        files.Tensor("an unknown element type", t => t.DataType = 77);
        files.Tensor("a negative element type", t => t.DataType = -1);
        files.Tensor("no element type", t => t.ClearDataType());
        files.Tensor("segments", t => t.Segment = new() { Begin = 0, End = 4 });
        files.Sparse("a sparse tensor with an index too many", s => s.Indices.Dims[0] = 3);
        files.Sparse("a sparse tensor with float indices", s => s.Indices.DataType = 1);
        files.Sparse("a sparse tensor with a negative shape", s => s.Dims[0] = -4);
        files.Sparse("a sparse tensor with more values than its shape takes", s => s.Dims[0] = 1);
        files.Sparse("a sparse tensor of an impossible shape", s => s.Dims.Add([1L << 40, 1L << 40]));
        files.Sparse("a sparse tensor without indices", s => s.Indices = null);

        static TensorProto Typed(TensorProto tensor, int type)
        {
            tensor.ClearRawData();
            tensor.DataType = type;
            return tensor;
        }

        static void Shape(TensorProto tensor, params long[] dims)
        {
            tensor.Dims.Clear();
            tensor.Dims.Add(dims);
        }
    }

    private static void NotModels(HostileSet files)
    {
        files.Bytes("an empty file", []);
        files.Bytes("random bytes", RandomBytes(4096, 1));
        files.Bytes("a megabyte of random bytes", RandomBytes(1 << 20, 2));
        files.Bytes("zeros", new byte[4096]);
        files.Bytes("a zip archive", Zip());
        files.Bytes("a web page", Encoding.UTF8.GetBytes("<!DOCTYPE html><html><head><title>404</title></head></html>"));
        files.Bytes("a Git LFS pointer", Encoding.UTF8.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"));
        files.Bytes("an .ort file", [24, 0, 0, 0, .. "ORTM"u8, .. new byte[100]]);
        files.Bytes("a TensorFlow Lite file", [28, 0, 0, 0, .. "TFL3"u8, .. new byte[100]]);
        byte[] whole = Valid().ToByteArray();
        foreach (int part in new[] { 1, 2, 3, 10, 50, 90, 99 })
            files.Bytes($"a model cut off at {part} % of its bytes", whole[..Math.Max(1, whole.Length * part / 100)]);
        files.Existing("a folder in place of the model", files.Folder);
        files.Existing("a file that does not exist", Path.Combine(files.Folder, "absent.onnx"));
    }

    private static void Graphs(HostileSet files)
    {
        files.Model("a model without a graph", m => m.Graph = null);
        files.Model("an ir_version of 10^12", m => m.IrVersion = 1_000_000_000_000);
        files.Model("a negative ir_version", m => m.IrVersion = -1);
        files.Model("an operator set of version 0", m => m.OpsetImport[0].Version = 0);
        files.Model("an operator set of version 2^40", m => m.OpsetImport[0].Version = 1L << 40);
        files.Model("no operator set", m => m.OpsetImport.Clear());
        files.Model("a node that reads itself", m => m.Graph.Node.Add(Node("Relu", "loop", "loop")));
        files.Model("nodes in a circle", m => m.Graph.Node.Add([Node("Relu", "r", "s"), Node("Relu", "s", "t"), Node("Relu", "t", "r")]));
        files.Model("a circle through the body of an If", m => m.Graph.Node.Add([If("inside", "chosen", Node("Relu", "after", "inside")), Node("Relu", "chosen", "after")]));
        files.Model("an If whose body reads its own result", m => m.Graph.Node.Add(If("inside", "chosen", Node("Relu", "chosen", "inside"))));
        files.Model("an input nobody makes", m => m.Graph.Node.Add(Node("Relu", "ghost", "g")));
        files.Model("an output nobody makes", m => m.Graph.Output.Add(new ValueInfoProto { Name = "ghost" }));
        files.Model("a body that reads another body's value", m => m.Graph.Node.Add([If("inside", "c1", Node("Relu", "x", "inside")), If("other", "c2", Node("Relu", "inside", "other"))]));
        files.Model("two graph inputs of one name", m => m.Graph.Input.Add(m.Graph.Input[0].Clone()));
        files.Model("two initializers of one name", m => m.Graph.Initializer.Add(m.Graph.Initializer[0].Clone()));
        files.Model("two nodes that make one value", m => m.Graph.Node.Add(Node("Abs", "x", "y")));
        files.Model("a node that makes a graph input", m => m.Graph.Node.Add(Node("Abs", "y", "x")));
        files.Model("a node that makes an initializer", m => m.Graph.Node.Add(Node("Abs", "x", "w")));
        files.Model("a node with one output twice", m => m.Graph.Node[0].Output.Add("y"));
        files.Model("a node without an operator", m => m.Graph.Node.Add(Node("", "x", "z")));
        files.Model("a graph input without a name", m => m.Graph.Input.Add(new ValueInfoProto()));
        files.Model("an initializer without a name", m => m.Graph.Initializer[0].ClearName());
        files.Model("an attribute without a value", m => m.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "a" }));
        files.Model("a tensor attribute without a tensor", m => m.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "a", Type = AttributeType.Tensor }));
        files.Model("a body attribute without a body", m => m.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "a", Type = AttributeType.Graph }));
        files.Model("an attribute of an unknown kind", m => m.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "a", Type = (AttributeType)99, I = 1 }));
        files.Model("one attribute twice", m => m.Graph.Node[0].Attribute.Add([Integer("a"), Integer("a")]));
        files.Model("a declared dimension of -5", m => m.Graph.Input[0].Type.TensorType.Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = -5 } } });
        files.Model("a declared element type of 500", m => m.Graph.Input[0].Type.TensorType.ElemType = 500);
        files.Model("metadata that is no list of constraints", m => m.MetadataProps.Add(new StringStringEntryProto { Key = "tersor.constraints", Value = "{\"w\": [{\"kind\": \"magic\"}]}" }));
        files.Model("functions that call each other", m => m.Functions.Add([Function("F", "G"), Function("G", "F")]));
        files.Model("a function that calls itself", m => m.Functions.Add(Function("F", "F")));
        files.Model("a function defined twice", m => m.Functions.Add([Function("F", "Abs"), Function("F", "Neg")]));
        files.Model("functions 500 deep", m => m.Functions.Add(Enumerable.Range(0, 500).Select(i => Function($"F{i}", i == 499 ? "Abs" : $"F{i + 1}"))));
        files.Model("functions 500 deep, the last one first", m => m.Functions.Add(Enumerable.Range(0, 500).Reverse().Select(i => Function($"F{i}", i == 499 ? "Abs" : $"F{i + 1}"))));
        files.Model("a function output nobody makes", m => m.Functions.Add(new FunctionProto { Name = "F", Output = { "ghost" } }));
    }

    private static void Structure(HostileSet files)
    {
        byte[] valid = Valid().ToByteArray();
        files.Bytes("a field of 2 GB in a file of 20 bytes", [0x08, 0x08, 0x3A, .. Varint(int.MaxValue), .. new byte[12]]);
        files.Bytes("a field of 2^60 bytes", [0x08, 0x08, 0x3A, .. Varint(1L << 60), .. new byte[12]]);
        files.Bytes("packed floats of 1 GB in a tensor of ten bytes", Nested([7, 5, 4], 1 << 30));
        files.Bytes("packed integers of 1 GB in a tensor of ten bytes", Nested([7, 5, 7], 1 << 30));
        files.Bytes("a name of 1 GB in a graph of ten bytes", Nested([7, 2], 1 << 30));
        files.Bytes("a number of eleven bytes", [0x08, .. Enumerable.Repeat((byte)0xFF, 11)]);
        files.Bytes("a field numbered 0", [.. valid, 0x00, 0x00]);
        files.Bytes("an unknown wire type", [.. valid, 0x0F, 0x00]);
        files.Bytes("an open group", [.. valid, 0x9B, 0x06]);
        files.Bytes("a producer that is not UTF-8", [.. valid, 0x12, 0x03, 0xC3, 0x28, 0xFF]);
        files.Bytes("a node name that is not UTF-8", Prepend([7, 1, 3], [0xFF, 0xFE, 0xFD]));
        files.Bytes("bodies 200 deep", Deep(200, [[7, 1, 5, 6], [1, 5, 6]]));
        files.Bytes("bodies 100,000 deep", Deep(100_000, [[7, 1, 5, 6], [1, 5, 6]]));
        files.Bytes("types 10,000 deep", Deep(10_000, [[7, 11, 2, 4], [1, 4]]));
    }

    private static void Sizes(HostileSet files)
    {
        files.Bytes("10 MB of empty nodes", Repeat([7], [0x0A, 0x00], 5_000_000));
        files.Bytes("10 MB of tiny nodes", Repeat([7], [0x0A, 0x03, 0x22, 0x01, (byte)'A'], 2_000_000));
        files.Bytes("10 MB of empty attributes", Repeat([7, 1], [0x2A, 0x00], 5_000_000));
        files.Bytes("10 MB of empty dimensions", Repeat([7, 11, 2, 1, 2], [0x0A, 0x00], 5_000_000));
        files.Bytes("10 MB of empty input names", Repeat([7, 1], [0x0A, 0x00], 5_000_000));
        files.Bytes("10 MB of empty functions", Repeat([], [0xCA, 0x01, 0x00], 3_000_000));
        files.Bytes("10 MB of unknown fields", Repeat([7], [0xF8, 0x07, 0x01], 3_000_000));
        files.Model("100,000 attributes of one name", m => m.Graph.Node[0].Attribute.Add(Enumerable.Repeat(Integer("a"), 100_000)));
        files.Model("a name of 5 MB that is defined twice", m => m.Graph.Node.Add([Node("Abs", "x", new string('n', 5 << 20)), Node("Abs", "x", new string('n', 5 << 20))]));
        files.Model("100,000 nodes in a circle", m => m.Graph.Node.Add(Enumerable.Range(0, 100_000).Select(i => Node("Relu", $"v{i}", $"v{(i + 1) % 100_000}"))));
    }

    /// <summary>A small model that is right: one Add with a weight of 16 floats.</summary>
    internal static ModelProto Valid()
    {
        TypeProto type = new() { TensorType = new() { ElemType = 1, Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = 16 } } } } };
        TensorProto weight = new() { Name = "w", DataType = 1, Dims = { 16 }, RawData = ByteString.CopyFrom(new byte[64]) };
        return new()
        {
            IrVersion = 8,
            ProducerName = "tests",
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = 17 } },
            Graph = new()
            {
                Name = "g",
                Input = { new ValueInfoProto { Name = "x", Type = type.Clone() }, new ValueInfoProto { Name = "c", Type = new() { TensorType = new() { ElemType = 9, Shape = new() } } } },
                Initializer = { weight },
                Node = { new NodeProto { OpType = "Add", Input = { "x", "w" }, Output = { "y" } } },
                Output = { new ValueInfoProto { Name = "y", Type = type } },
            },
        };
    }

    private static NodeProto Node(string op, string input, string output) => new() { OpType = op, Input = { input }, Output = { output } };

    private static AttributeProto Integer(string name) => new() { Name = name, Type = AttributeType.Int, I = 1 };

    private static NodeProto If(string inside, string output, NodeProto body) => new()
    {
        OpType = "If",
        Input = { "c" },
        Output = { output },
        Attribute = { new AttributeProto { Name = "then_branch", Type = AttributeType.Graph, G = new() { Name = "then", Node = { body }, Output = { new ValueInfoProto { Name = inside } } } } },
    };

    private static FunctionProto Function(string name, string calls) => new()
    {
        Name = name,
        Domain = "f",
        Input = { "a" },
        Output = { "b" },
        Node = { new NodeProto { OpType = calls, Domain = calls[0] is 'F' or 'G' ? "f" : "", Input = { "a" }, Output = { "b" } } },
        OpsetImport = { new OperatorSetIdProto { Domain = "", Version = 17 }, new OperatorSetIdProto { Domain = "f", Version = 1 } },
    };

    private static byte[] RandomBytes(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Zip()
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using Stream entry = archive.CreateEntry("archive/data.pkl").Open();
            entry.Write(new byte[100]);
        }
        return stream.ToArray();
    }

    private static byte[] Varint(long value)
    {
        List<byte> bytes = [];
        for (ulong rest = (ulong)value; ; rest >>= 7)
        {
            bytes.Add((byte)((rest & 0x7F) | (rest > 0x7F ? 0x80u : 0)));
            if (rest <= 0x7F)
                return [.. bytes];
        }
    }

    /// <summary>A length-delimited field.</summary>
    private static byte[] Field(int number, byte[] content) => [.. Varint((number << 3) | 2), .. Varint(content.Length), .. content];

    /// <summary>Messages in each other along a path of field numbers; the innermost field claims more bytes than there are.</summary>
    private static byte[] Nested(int[] path, long claimed)
    {
        byte[] content = [.. Varint((path[^1] << 3) | 2), .. Varint(claimed), 1, 2, 3, 4];
        return [0x08, 0x08, .. path[..^1].Reverse().Aggregate(content, (inner, number) => Field(number, inner))];
    }

    private static byte[] Prepend(int[] path, byte[] content) => [0x08, 0x08, .. path.Reverse().Aggregate(content, (inner, number) => Field(number, inner))];

    /// <summary>A first path of fields, then another again and again.</summary>
    private static byte[] Deep(int levels, int[][] paths)
    {
        // From the inside out, into a buffer filled from its end: joining arrays at every level would take for ever.
        byte[] buffer = new byte[(levels * paths[1].Length * 12) + 1000];
        int start = buffer.Length;
        for (int level = 0; level < levels; level++)
            Wrap(paths[1]);
        Wrap(paths[0]);
        return [0x08, 0x08, .. buffer.AsSpan(start)];

        void Wrap(int[] path)
        {
            foreach (int number in path.Reverse())
            {
                byte[] head = [.. Varint((number << 3) | 2), .. Varint(buffer.Length - start)];
                start -= head.Length;
                head.CopyTo(buffer.AsSpan(start));
            }
        }
    }

    private static byte[] Repeat(int[] path, byte[] part, int count)
    {
        byte[] content = new byte[part.Length * count];
        for (int i = 0; i < count; i++)
            part.CopyTo(content.AsSpan(i * part.Length));
        return Prepend(path, content);
    }

    /// <summary>Runs a small system tool.</summary>
    private static void Run(string tool, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true }) ?? throw new IOException($"{tool} does not start");
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{tool} failed");
    }
}
