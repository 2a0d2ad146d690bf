using Tersor.Data.Descriptions;
using Tersor.Data.Sources;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Sources;

public sealed class WavTests
{
    [Theory]
    [InlineData("pcm8")]
    [InlineData("pcm16")]
    [InlineData("pcm24")]
    [InlineData("pcm32")]
    [InlineData("float32")]
    public void Every_format_gives_the_expected_numbers(string name)
    {
        (byte[] bytes, long[] shape, ElementType type) = Fixture.Array("sound.npz", name);
        WavFile wav = WavFile.Read(Fixture.At($"{name}.wav"));
        Assert.Equal((8000, 2), (wav.SampleRate, wav.Channels));
        Assert.Equal(Tensor.FromBytes(type, shape, bytes).ToFloats(), wav.Samples);
    }

    [Fact]
    public void Channels_are_taken_or_averaged()
    {
        WavFile wav = new(8000, 2, [1, 3, 5, 9]);
        Assert.Equal([1, 5], wav.Mono(0));
        Assert.Equal([3, 9], wav.Mono(1));
        Assert.Equal([2, 7], wav.Mono(null));
    }

    [Fact]
    public void Frames_are_steps_with_labels_constants_and_state()
    {
        using TemporaryFolder folder = new();
        folder.Copy("pcm16.wav", "a.wav");
        folder.Write("a.labels.txt", "01011\n");
        IDataSet data = Open(folder, new() { Folder = ".", Input = "x", Frame = 16, Hop = 8, SampleRate = 8000, Channel = 1 });
        Sample sample = data.Read(0);
        float[] sound = WavFile.Read(folder.At("a.wav")).Mono(1);
        Assert.Equal(5, sample.Steps.Count); // starts at 0, 8, 16, 24, 32; 40 + 16 would pass the end at 50
        Assert.Equal(sound[8..24], sample.Steps[1]["x"].ToFloats());
        Assert.Equal([1, 16], sample.Steps[1]["x"].Shape);
        Assert.Equal([0, 1, 0, 1, 1], sample.Labels["label"].ToInt64s());
        Assert.Equal(["h", "sr", "x"], sample.Steps[0].Keys.Order());
        Assert.Equal(["sr", "x"], sample.Steps[1].Keys.Order()); // the state comes from the output then
        Assert.Equal("h", data.Feedback["hn"]);
        Assert.Equal(0, sample.Steps[0]["sr"].Rank);
    }

    [Fact]
    public void Sound_that_does_not_fit_is_refused_by_name()
    {
        using TemporaryFolder folder = new();
        string path = folder.Copy("pcm16.wav", "a.wav");
        WavSource source = new() { Folder = ".", Input = "x", Frame = 16 };
        foreach (WavSource wrong in new[] { source with { SampleRate = 16000 }, source with { Channel = 2 }, source with { Frame = 51 } })
            Assert.Contains(path, Assert.Throws<DataException>(() => Open(folder, wrong).Read(0)).Message, StringComparison.Ordinal);
        folder.Write("a.labels.txt", "01");
        Assert.Contains("2 labels", Assert.Throws<DataException>(() => Open(folder, source).Read(0)).Message, StringComparison.Ordinal);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < 44; length++) // within the header
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<DataException>(() => Open(folder, source).Read(0));
        }
    }

    [Fact]
    public void Samples_before_a_frame_are_fed_in_front_of_it_and_make_no_frame_more()
    {
        using TemporaryFolder folder = new();
        folder.Copy("pcm16.wav", "a.wav"); // 50 samples
        folder.Write("a.labels.txt", "011");
        float[] sound = WavFile.Read(folder.At("a.wav")).Mono(0);
        Sample sample = Open(folder, new() { Folder = ".", Input = "x", Frame = 16, Context = 20 }).Read(0);
        Assert.Equal(3, sample.Steps.Count);
        Assert.Equal([0, 1, 1], sample.Labels["label"].ToInt64s());
        Assert.Equal([1, 36], sample.Steps[0]["x"].Shape);
        Assert.Equal([.. new float[20], .. sound[..16]], sample.Steps[0]["x"].ToFloats());
        Assert.Equal([.. new float[4], .. sound[..32]], sample.Steps[1]["x"].ToFloats());
        Assert.Equal(sound[12..48], sample.Steps[2]["x"].ToFloats());
        string path = folder.Write("data.yaml", "source: { kind: wav, input: x, folder: ., frame: 16, context: 4 }");
        Assert.Equal([1, 20], DataSetFactory.Open(path).DataSet.Read(0).Steps[0]["x"].Shape);
    }

    private static IDataSet Open(TemporaryFolder folder, WavSource source) => DataSetFactory.Open(
        new DataDescription
        {
            Splits = new Dictionary<string, SplitDescription> { ["all"] = new(source) },
            Constants = new Dictionary<string, Tensor> { ["sr"] = Tensor.Scalar(8000L) },
            States = new Dictionary<string, Tensor> { ["h"] = Tensor.Vector(0f, 0f) },
            Feedback = new Dictionary<string, string> { ["hn"] = "h" },
        },
        folder.Path).DataSet;
}
