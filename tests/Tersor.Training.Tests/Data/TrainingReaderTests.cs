using Tersor.Data;
using Tersor.Training.Data;

namespace Tersor.Training.Tests.Data;

public sealed class TrainingReaderTests
{
    [Fact]
    public void Sequences_of_a_group_are_read_as_they_are_asked_for()
    {
        List<int> reads = [];
        TrainingReader reader = new(new Counted(reads), 4, TorchSharp.torch.ScalarType.Float32);
        Assert.Equal((true, 2), (reader.IsSequential, reader.Count));
        reads.Clear();
        List<string> seen = [];
        foreach (TrainingSequence sequence in reader.Groups(null, 0, 1, CancellationToken.None).First())
        {
            using (sequence)
                seen.Add(sequence.Samples[0].Name);
            Assert.Equal(seen.Count, reads.Count);
        }
        Assert.Equal(["4", "5"], seen);
    }

    /// <summary>Six sequences of two steps, and which of them were read.</summary>
    private sealed class Counted(List<int> reads) : IDataSet
    {
        public string Name => "counted";

        public int Count => 6;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index)
        {
            reads.Add(index);
            Dictionary<string, OnnxTensor> step = new() { ["x"] = OnnxTensor.Create([1, 1], new float[] { index }) };
            return new($"{index}", [step, step], new Dictionary<string, OnnxTensor>());
        }
    }
}
