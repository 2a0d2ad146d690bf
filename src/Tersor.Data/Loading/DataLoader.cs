using System.Threading.Channels;
using Tersor.Onnx;

namespace Tersor.Data.Loading;

/// <summary>Reads a data set in batches, again and again: shuffled if asked, a bounded number of batches ahead on another thread.</summary>
public sealed class DataLoader
{
    private readonly IDataSet data;
    private readonly LoaderOptions options;

    /// <exception cref="DataException">The options cannot be used, or the data set carries state.</exception>
    public DataLoader(IDataSet data, LoaderOptions? options = null)
    {
        (this.data, this.options) = (data, options ?? new());
        string[] problems = [.. this.options.Problems()];
        if (problems.Length > 0)
            throw new DataException(string.Join(" ", problems));
        if (data.Feedback.Count > 0)
            throw new DataException($"'{data.Name}' carries state from step to step; its samples are sequences, not rows of a batch. Read them from the data set, step by step.");
    }

    /// <summary>Number of batches in an epoch.</summary>
    public int Count => options.DropLast ? data.Count / options.BatchSize : (data.Count + options.BatchSize - 1) / options.BatchSize;

    /// <summary>All samples once. The same epoch number gives the same order.</summary>
    /// <param name="epoch">Mixed into the seed, so that epochs differ.</param>
    /// <param name="skip">Batches at the start that are left out, unread: a run that goes on where another ended.</param>
    /// <param name="cancellation">Stops the reading.</param>
    /// <exception cref="DataException">A sample cannot be read, samples of a batch do not fit together, or are sequences.</exception>
    public IEnumerable<Batch> Batches(int epoch = 0, int skip = 0, CancellationToken cancellation = default)
    {
        int[] order = options.ShuffleSeed is { } seed ? Strata.Shuffled(data.Count, unchecked(seed + epoch * 486187739)) : [.. Enumerable.Range(0, data.Count)];
        IEnumerable<int[]> groups = order.Chunk(options.BatchSize).Take(Count).Skip(skip);
        return options.Prefetch == 0 ? Direct(groups, cancellation) : Ahead(groups, cancellation);
    }

    private IEnumerable<Batch> Direct(IEnumerable<int[]> groups, CancellationToken cancellation)
    {
        foreach (int[] group in groups)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Read(group);
        }
    }

    private IEnumerable<Batch> Ahead(IEnumerable<int[]> groups, CancellationToken cancellation)
    {
        Channel<Batch> channel = Channel.CreateBounded<Batch>(new BoundedChannelOptions(options.Prefetch) { SingleReader = true, SingleWriter = true });
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task producer = Task.Run(() => ProduceAsync(groups, channel.Writer, stop.Token), CancellationToken.None);
        try
        {
            while (channel.Reader.WaitToReadAsync(cancellation).AsTask().GetAwaiter().GetResult())
            {
                while (channel.Reader.TryRead(out Batch? batch))
                    yield return batch;
            }
        }
        finally
        {
            // Also when the caller leaves the loop early: nothing goes on reading behind its back.
            stop.Cancel();
            producer.GetAwaiter().GetResult();
        }
    }

    private async Task ProduceAsync(IEnumerable<int[]> groups, ChannelWriter<Batch> writer, CancellationToken stop)
    {
        try
        {
            foreach (int[] group in groups)
            {
                stop.ThrowIfCancellationRequested();
                await writer.WriteAsync(Read(group), stop).ConfigureAwait(false);
            }
            writer.Complete();
        }
        catch (OperationCanceledException e)
        {
            writer.Complete(e);
        }
#pragma warning disable CA1031 // Whatever goes wrong is thrown where the batches are read.
        catch (Exception e)
#pragma warning restore CA1031
        {
            writer.Complete(e);
        }
    }

    private Batch Read(int[] group)
    {
        Sample[] samples = [.. group.Select(data.Read)];
        if (samples.FirstOrDefault(s => s.Steps.Count != 1) is { } sequence)
            throw new DataException($"Sample '{sequence.Name}' of '{data.Name}' is a sequence of {Plural.Of(sequence.Steps.Count, "step")}, which is no batch. Read it from the data set, step by step.");
        Dictionary<string, Tensor> inputs = samples[0].Steps[0].Keys.ToDictionary(name => name, name => Stacking.Stack([.. samples.Select(s => Input(s, name))], options.PadValue, name));
        return new(samples, inputs, Batch.StackedLabels(samples));
    }

    private Tensor Input(Sample sample, string name) => sample.Steps[0].TryGetValue(name, out Tensor? tensor)
        ? tensor
        : throw new DataException($"Sample '{sample.Name}' of '{data.Name}' has no input '{name}', unlike others of its batch.");
}
