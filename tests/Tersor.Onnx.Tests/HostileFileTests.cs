using System.Diagnostics;
using Google.Protobuf.Reflection;
using Tersor.Onnx.Protos;
using Tersor.Onnx.Reading;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class HostileFileTests
{
    [Fact]
    public void Every_hostile_file_gives_one_error_of_one_line_and_takes_little_memory()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-hostile-");
        try
        {
            List<string> failures = [], table = [];
            IReadOnlyList<(string Name, string Path)> files = HostileFiles.Create(folder.FullName);
            Assert.True(files.Count >= 100, $"only {files.Count} files");
            Assert.Equal(files.Count, files.Select(f => f.Name).Distinct().Count());
            foreach ((string name, string path) in files)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                Stopwatch watch = Stopwatch.StartNew();
                try
                {
                    Model.Load(path);
                    failures.Add($"{name}: was read");
                }
                catch (Exception e) when (e is OnnxException or FileNotFoundException)
                {
                    string message = e.Message.Replace(folder.FullName, "", StringComparison.Ordinal);
                    table.Add($"{name} | {message} | {watch.ElapsedMilliseconds} ms, {GC.GetAllocatedBytesForCurrentThread() - before >> 20} MB");
                    if (e.Message.Any(char.IsControl) || e.Message.Length > 1000 || !e.Message.Contains(path, StringComparison.Ordinal))
                        failures.Add($"{name}: bad message: {e.Message}");
                    if (e.StackTrace!.Contains("StackOverflow", StringComparison.Ordinal))
                        failures.Add(name);
                }
                catch (Exception e)
                {
                    failures.Add($"{name}: {e}");
                }
                // All allocations together bound the peak from above; the hang limit is wide of what any machine needs.
                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                if (allocated > 500 << 20)
                    failures.Add($"{name}: allocated {allocated >> 20} MB");
                if (watch.Elapsed.TotalSeconds > 10)
                    failures.Add($"{name}: took {watch.Elapsed}");
            }
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', table));
            Assert.True(failures.Count == 0, string.Join('\n', failures));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Messages_say_what_a_file_is_instead()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-hostile-");
        try
        {
            Dictionary<string, string> said = HostileFiles.Create(folder.FullName).ToDictionary(f => f.Name, f => Assert.ThrowsAny<Exception>(() => Model.Load(f.Path)).Message);
            Assert.Contains("zip archive", said["a zip archive"]);
            Assert.Contains("HTML", said["a web page"]);
            Assert.Contains("git lfs pull", said["a Git LFS pointer"]);
            Assert.Contains(".ort", said["an .ort file"]);
            Assert.Contains("it is empty", said["an empty file"]);
            Assert.Contains("--trust-links", said.GetValueOrDefault("external data behind a symbolic link", "--trust-links"));
            Assert.Contains("truncated", said["a model cut off at 90 % of its bytes"]);
            Assert.Contains("'ghost'", said["an input nobody makes"]);
            Assert.Contains("UTF-8", said["a producer that is not UTF-8"]);
            Assert.Contains("deeper", said["bodies 200 deep"]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Links_are_followed_when_they_are_trusted()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-hostile-");
        try
        {
            foreach ((string name, string path) in HostileFiles.Create(folder.FullName).Where(f => f.Name is "external data behind a symbolic link" or "external data that is a hard link" or "external data in a linked folder"))
            {
                Model model = Model.Load(path, new() { TrustLinks = true });
                Assert.Equal(new float[16], model.Graph.Initializers.Single().Tensor!.ToFloats());
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Versions_newer_than_known_are_accepted()
    {
        ModelProto proto = HostileFiles.Valid();
        proto.IrVersion = 20;
        proto.OpsetImport[0].Version = 40;
        Model model = Model.Load(new MemoryStream(Google.Protobuf.MessageExtensions.ToByteArray(proto)));
        Assert.Equal((20, 40), (model.IrVersion, model.Opset));
    }

    [Fact]
    public void The_table_of_wire_kinds_agrees_with_the_generated_code()
    {
        HashSet<(WireKind, string)> seen = [];
        Compare(WireKind.Model, ModelProto.Descriptor);
        Assert.Equal(Enum.GetValues<WireKind>().Where(k => k >= WireKind.Model), seen.Select(s => s.Item1).Distinct().Order());

        void Compare(WireKind kind, MessageDescriptor message)
        {
            if (!seen.Add((kind, message.FullName)))
                return;
            for (int number = 1; number <= 100; number++)
            {
                WireKind field = WireKinds.Field(kind, number);
                FieldDescriptor? expected = message.FindFieldByNumber(number);
                switch (expected?.FieldType)
                {
                    case null:
                        Assert.True(field == WireKind.Unknown, $"{message.Name}.{number}");
                        break;
                    case FieldType.Message:
                        Assert.True(field >= WireKind.Model, $"{message.Name}.{number}");
                        Compare(field, expected.MessageType);
                        break;
                    case FieldType.String or FieldType.Bytes:
                        Assert.True(field == WireKind.Text, $"{message.Name}.{number}");
                        break;
                    default:
                        Assert.True(field == WireKind.Number, $"{message.Name}.{number}");
                        break;
                }
            }
        }
    }
}
