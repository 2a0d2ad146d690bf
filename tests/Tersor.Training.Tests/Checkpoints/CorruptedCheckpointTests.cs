using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Tersor.Compression.Training;
using Tersor.Training.Checkpoints;
using Tersor.Training.Tests.Distillation;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Checkpoints;

/// <summary>Whatever is in a checkpoint, reading it ends soon, in a state or in a <see cref="TrainingException"/>; nothing is made before its size was compared with the file's.</summary>
public sealed class CorruptedCheckpointTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TrainingSettings Settings = new() { Epochs = 2, BatchSize = 16, LearningRate = 0.02, CheckpointSeconds = 0 };

    private readonly string folder = Directory.CreateTempSubdirectory("tersor-").FullName;

    private string Checkpoint => Path.Combine(folder, "checkpoint");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("[-1]", 0, 4), InlineData("[-1,-1]", 0, 4), InlineData("[9223372036854775807]", 0, 8), InlineData("[4611686018427387904,4]", 0, 8), InlineData("[4294967296,4294967296]", 0, 0)]
    [InlineData("[2]", -8, 0), InlineData("[2]", 8, 0), InlineData("[2]", 4, 12), InlineData("[2]", 0, 9223372036854775807), InlineData("[2]", -9223372036854775808, 9223372036854775807)]
    [InlineData("[1.5]", 0, 6), InlineData("[99999999999999999999]", 0, 8), InlineData("[\"2\"]", 0, 8), InlineData("{}", 0, 8), InlineData("null", 0, 8), InlineData("[[[[[2]]]]]", 0, 8)]
    [InlineData("[0,9223372036854775807,9223372036854775807]", 0, 0), InlineData("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]", 0, 8)]
    public void A_tensor_that_does_not_lie_in_the_file_is_refused(string shape, long from, long to) =>
        Refused($$$"""{"__metadata__":{},"a":{"dtype":"F32","shape":{{{shape}}},"data_offsets":[{{{from}}},{{{to}}}]}}""", new byte[8]);

    [Theory]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"__metadata__":{"key":5},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"__metadata__":{"key":null},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":5,"shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""")] // the same bytes twice: a small file must not fill memory
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")] // bytes nobody owns
    [InlineData("""{"a":5}"""), InlineData("5"), InlineData("{}"), InlineData("[]"), InlineData("nonsense")]
    public void A_header_that_contradicts_itself_is_refused(string header) => Refused(header, new byte[8]);

    [Theory]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", "'a' has no dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1e99],"data_offsets":[0,8]}}""", "'a' has a size or place of 1e99")]
    public void What_is_wrong_in_a_header_is_named(string text, string expected)
    {
        byte[] header = Encoding.UTF8.GetBytes(text);
        File.WriteAllBytes(Checkpoint, [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[8]]);
        Assert.Contains(expected, Assert.Throws<TrainingException>(() => TensorArchive.Read(Checkpoint)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(long.MinValue), InlineData(-1), InlineData(0), InlineData(1_000_000), InlineData(long.MaxValue)]
    public void A_length_that_is_not_the_headers_is_refused(long length)
    {
        byte[] file = new byte[100];
        BinaryPrimitives.WriteInt64LittleEndian(file, length);
        File.WriteAllBytes(Checkpoint, file);
        Assert.Contains("no checkpoint", Assert.Throws<TrainingException>(() => TensorArchive.Read(Checkpoint)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_off_anywhere_or_with_any_byte_replaced_is_refused_or_read()
    {
        using Tensor a = arange(6, float32).reshape(2, 3), b = ones(3, int64);
        TensorArchive.Write(Checkpoint, new Dictionary<string, Tensor> { ["a"] = a, ["b"] = b }, new Dictionary<string, string> { ["key"] = "k", ["progress"] = "{}" });
        byte[] whole = File.ReadAllBytes(Checkpoint);
        IEnumerable<byte[]> corrupted = Enumerable.Range(0, whole.Length).Select(length => whole[..length])
            .Concat(from at in Enumerable.Range(0, whole.Length) from value in new byte[] { 0, 0xFF, 0x7F, (byte)'9', (byte)'-', (byte)'"', (byte)'[' } select With(at, value));
        foreach (byte[] content in corrupted)
        {
            File.WriteAllBytes(Checkpoint, content);
            long start = Stopwatch.GetTimestamp();
            try
            {
                foreach (Tensor tensor in TensorArchive.Read(Checkpoint).Tensors.Values)
                    tensor.Dispose();
            }
            catch (TrainingException)
            {
                // In words; that is what is wanted.
            }
            Assert.True(Stopwatch.GetElapsedTime(start) < Soon);
        }

        byte[] With(int at, byte value)
        {
            byte[] changed = [.. whole];
            changed[at] = value;
            return changed;
        }
    }

    [Theory]
    [InlineData("Step", -9223372036854775808), InlineData("Step", 1_000_000), InlineData("Group", -1), InlineData("Group", 1_000_000), InlineData("Epoch", 77), InlineData("Epoch", -1), InlineData("BestEpoch", 5)]
    [InlineData("GoodStep", 9_000_000), InlineData("Updates", -5), InlineData("RateFactor", 0), InlineData("RateFactor", 1e300), InlineData("History", null), InlineData("Incidents", null), InlineData("Step", "x"), InlineData("LossGroups", -1)]
    public void Progress_that_cannot_be_is_refused(string key, object? value)
    {
        TrainingJob job = new(Nets.Dense(8), SmallData.Quadrants(64), Settings with { Checkpoint = Checkpoint });
        new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken);
        Rewrite(words =>
        {
            JsonObject progress = JsonNode.Parse(words["progress"])!.AsObject();
            progress[key] = JsonValue.Create(value);
            words["progress"] = progress.ToJsonString();
        });
        Assert.Contains("no checkpoint", Assert.Throws<TrainingException>(() => new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_that_are_missing_or_have_another_shape_are_refused_by_name()
    {
        TrainingJob job = new(Nets.Dense(8), SmallData.Quadrants(64), Settings with { Checkpoint = Checkpoint });
        new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken);
        byte[] whole = File.ReadAllBytes(Checkpoint);
        (Dictionary<string, Tensor> tensors, _) = TensorArchive.Read(Checkpoint);
        foreach (string name in tensors.Keys)
        {
            File.WriteAllBytes(Checkpoint, whole);
            using Tensor small = zeros(1);
            Rewrite(_ => { }, name, small);
            Assert.Contains(name, Assert.Throws<TrainingException>(() => new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        }
        foreach (Tensor tensor in tensors.Values)
            tensor.Dispose();
    }

    private void Rewrite(Action<Dictionary<string, string>> change, string? name = null, Tensor? tensor = null)
    {
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> words) = TensorArchive.Read(Checkpoint);
        change(words);
        Dictionary<string, Tensor> written = new(tensors);
        if (name is not null)
            written[name] = tensor!;
        TensorArchive.Write(Checkpoint, written, words);
        foreach (Tensor read in tensors.Values)
            read.Dispose();
    }

    private void Refused(string header, byte[] numbers)
    {
        byte[] text = Encoding.UTF8.GetBytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        File.WriteAllBytes(Checkpoint, [.. length, .. text, .. numbers]);
        string message = Assert.Throws<TrainingException>(() => TensorArchive.Read(Checkpoint)).Message;
        Assert.Contains(Checkpoint, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
