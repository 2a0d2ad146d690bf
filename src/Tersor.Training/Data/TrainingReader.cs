using Tersor.Data;
using Tersor.Data.Loading;
using Tersor.Onnx;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Data;

/// <summary>Reads a data set as training wants it: groups of sequences whose gradients belong to one step.</summary>
internal sealed class TrainingReader(IDataSet data, int batchSize, ScalarType reals)
{
    /// <summary>True where samples are sequences, each of which is a forward pass of its own.</summary>
    public bool IsSequential { get; } = data.Feedback.Count > 0 || data.Count > 0 && data.Read(0).Steps.Count > 1;

    /// <summary>Samples in a group.</summary>
    public int BatchSize => batchSize;

    /// <summary>True where samples of a group are forward passes of their own, because a model takes one at a time. Default false: they are one batch.</summary>
    public bool IsOneByOne { get; set; }

    /// <summary>What is read.</summary>
    public IDataSet Data => data;

    /// <summary>Groups in an epoch.</summary>
    public int Count => (data.Count + batchSize - 1) / batchSize;

    /// <summary>Samples in some groups that follow each other.</summary>
    public int SamplesIn(int group, int count) => Math.Min((group + count) * batchSize, data.Count) - group * batchSize;

    /// <summary>All samples once. Sequences of a group are read one after the other, as they are asked for; each is owned by whoever asked.</summary>
    /// <param name="seed">Order of the samples; null: as they are.</param>
    /// <param name="epoch">Mixed into the seed.</param>
    /// <param name="skip">Groups at the start that are left out.</param>
    /// <param name="cancellation">Stops it.</param>
    public IEnumerable<IEnumerable<TrainingSequence>> Groups(int? seed, int epoch, int skip, CancellationToken cancellation)
    {
        if (IsSequential)
        {
            IDataSet ordered = seed is { } drawn ? data.Take(data.Count, unchecked(drawn + epoch * 486187739)) : data;
            foreach (int[] group in Enumerable.Range(0, data.Count).Chunk(batchSize).Skip(skip))
            {
                cancellation.ThrowIfCancellationRequested();
                yield return group.Select(i => Sequence(ordered.Read(i)));
            }
            yield break;
        }
        if (IsOneByOne)
        {
            foreach (Batch[] group in new DataLoader(data, new() { BatchSize = 1, ShuffleSeed = seed }).Batches(epoch, skip * batchSize, cancellation).Chunk(batchSize))
                yield return group.Select(Stacked);
            yield break;
        }
        foreach (Batch batch in new DataLoader(data, new() { BatchSize = batchSize, ShuffleSeed = seed }).Batches(epoch, skip, cancellation))
            yield return [Stacked(batch)];
    }

    /// <summary>One sample as a batch; owned by the caller.</summary>
    public TrainingSequence Alone(int index) => Sequence(data.Read(index));

    private TrainingSequence Stacked(Batch batch)
    {
        Dictionary<string, Tensor> inputs = batch.Inputs.ToDictionary(i => i.Key, i => Carried(i.Value));
        return new(batch.Samples, [inputs], Numbers(batch.Labels), TrainingSequence.TextsOf(batch.Samples));
    }

    private TrainingSequence Sequence(Sample sample) => new([sample], [.. sample.Steps.Select(s => s.ToDictionary(i => i.Key, i => Carried(i.Value)))], Numbers(sample.Labels), TrainingSequence.TextsOf([sample]));

    private Dictionary<string, Tensor> Numbers(IReadOnlyDictionary<string, OnnxTensor> labels) => labels.Where(l => l.Value.Type != ElementType.String).ToDictionary(l => l.Key, l => Carried(l.Value));

    // Read ahead of the step that uses it: no scope of that step may own it.
    private Tensor Carried(OnnxTensor tensor) => TorchTensors.ToTorch(tensor, tensor.Type.IsFloat() ? reals : null).DetachFromDisposeScope();
}
