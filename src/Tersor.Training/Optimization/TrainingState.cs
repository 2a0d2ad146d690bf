using System.Text.Json;
using System.Text.Json.Serialization;
using Tersor.Compression.Training;
using Tersor.Training.Checkpoints;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>Everything that changes while training: what a checkpoint holds, and what training goes back to when numbers run away.</summary>
internal sealed class TrainingState : IDisposable
{
    private const string BestPrefix = "best/", GoodPrefix = "good/";

    private readonly TrainableGraph graph;
    private Dictionary<string, Tensor> good = [];

    public TrainingState(TrainableGraph graph, TrainingSettings settings)
    {
        this.graph = graph;
        Optimizer = Optimizer.Create(settings.Optimizer, graph.Buffer.Values);
        Average = settings.Average > 0 ? graph.Buffer.Values.clone().DetachFromDisposeScope() : null;
        KeepGood();
    }

    public Optimizer Optimizer { get; }

    /// <summary>Moving average of the parameters; null where none is kept.</summary>
    public Tensor? Average { get; }

    /// <summary>Counters and words.</summary>
    public Progress Done { get; private set; } = new();

    /// <summary>Parameters and statistics that were best so far, by name; empty before the first validation.</summary>
    public Dictionary<string, Tensor> Best { get; private set; } = [];

    /// <summary>Keeps what the parameters are now as the best.</summary>
    public void KeepBest()
    {
        Release(Best);
        Best = new() { ["values"] = (Average ?? graph.Buffer.Values).clone().DetachFromDisposeScope() };
        foreach ((string name, Tensor tensor) in graph.Statistics)
            Best[$"statistic/{name}"] = tensor.clone().DetachFromDisposeScope();
    }

    /// <summary>Puts the best, or else the average, into the graph.</summary>
    public void UseBest()
    {
        using IDisposable _ = no_grad();
        if (Best.Count > 0)
        {
            graph.Buffer.Values.copy_(Best["values"]);
            graph.RestoreStatistics(name => Best.GetValueOrDefault($"statistic/{name}"));
        }
        else if (Average is not null)
        {
            graph.Buffer.Values.copy_(Average);
        }
    }

    /// <summary>Runs something with the average in place of the parameters.</summary>
    public T WithAverage<T>(Func<T> run)
    {
        if (Average is null)
            return run();
        using IDisposable _ = no_grad();
        using Tensor values = graph.Buffer.Values.clone().DetachFromDisposeScope();
        graph.Buffer.Values.copy_(Average);
        try
        {
            return run();
        }
        finally
        {
            graph.Buffer.Values.copy_(values);
        }
    }

    /// <summary>Keeps everything but the best, to go back to.</summary>
    public void KeepGood()
    {
        Release(good);
        good = Live().ToDictionary(t => t.Key, t => t.Value.clone().DetachFromDisposeScope());
        (Done.GoodStep, Done.GoodUpdates) = (Done.Step, Done.Updates);
    }

    /// <summary>Goes back to what was kept last.</summary>
    public void GoBack()
    {
        Restore(good);
        Done.Updates = Done.GoodUpdates;
    }

    private void Restore(IReadOnlyDictionary<string, Tensor> snapshot)
    {
        using IDisposable _ = no_grad();
        foreach ((string name, Tensor tensor) in Live().Where(t => !t.Key.StartsWith("statistic/", StringComparison.Ordinal)))
        {
            if (!snapshot.TryGetValue(name, out Tensor? kept) || !kept.shape.SequenceEqual(tensor.shape))
                throw new TrainingException($"The checkpoint holds no '{name}' of {Plural.Of(tensor.numel(), "number")}: it belongs to another model, or to other settings. Remove it to start anew.");
            tensor.copy_(kept);
        }
        graph.RestoreStatistics(name => snapshot.GetValueOrDefault($"statistic/{name}"));
    }

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">What model, data and settings it belongs to.</param>
    public void Save(string path, string key)
    {
        Dictionary<string, Tensor> tensors = Live().ToDictionary();
        foreach ((string name, Tensor tensor) in Best)
            tensors[$"{BestPrefix}{name}"] = tensor;
        foreach ((string name, Tensor tensor) in good)
            tensors[$"{GoodPrefix}{name}"] = tensor;
        TensorArchive.Write(path, tensors, new Dictionary<string, string> { ["key"] = key, ["progress"] = JsonSerializer.Serialize(Done, StateJson.Default.Progress) });
    }

    /// <summary>Goes on from a checkpoint.</summary>
    /// <exception cref="TrainingException">It belongs to another model, data set or settings.</exception>
    public void Load(string path, string key)
    {
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> words) = TensorArchive.Read(path);
        try
        {
            if (words.GetValueOrDefault("key") != key || !words.TryGetValue("progress", out string? progress))
                throw new TrainingException($"'{path}' is a checkpoint of another model, other data or other settings. Remove it to start anew, or name another file.");
            Restore(tensors);
            Best = Part(BestPrefix);
            Release(good);
            good = Part(GoodPrefix);
            Done = JsonSerializer.Deserialize(progress, StateJson.Default.Progress)!;
        }
        finally
        {
            Release(tensors);
        }

        Dictionary<string, Tensor> Part(string prefix) => tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(t => t.Key[prefix.Length..], t => t.Value.clone().DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Optimizer.Dispose();
        Average?.Dispose();
        Release(Best);
        Release(good);
    }

    private static void Release(Dictionary<string, Tensor> tensors)
    {
        foreach (Tensor tensor in tensors.Values)
            tensor.Dispose();
        tensors.Clear();
    }

    private IEnumerable<KeyValuePair<string, Tensor>> Live()
    {
        yield return new("values", graph.Buffer.Values);
        foreach ((string name, Tensor row) in Optimizer.State)
            yield return new($"optimizer/{name}", row);
        if (Average is not null)
            yield return new("average", Average);
        foreach ((string name, Tensor tensor) in graph.Statistics)
            yield return new($"statistic/{name}", tensor);
    }

    /// <summary>How far training is.</summary>
    internal sealed record Progress
    {
        /// <summary>Optimizer steps made.</summary>
        public long Step { get; set; }

        /// <summary>What validation measured before the first step; null: not yet, or there is no validation.</summary>
        public double? Start { get; set; }

        /// <summary>Epochs that are done: the one that is running, counted from 0.</summary>
        public int Epoch { get; set; }

        /// <summary>Groups of it that are done.</summary>
        public int Group { get; set; }

        /// <summary>Sum of the losses of its groups.</summary>
        public double LossSum { get; set; }

        /// <summary>Factor on the learning rate: halved when numbers ran away.</summary>
        public double RateFactor { get; set; } = 1;

        /// <summary>Epochs done.</summary>
        public List<TrainingEpoch> History { get; set; } = [];

        /// <summary>The best of them, from 1; 0: the start.</summary>
        public int BestEpoch { get; set; }

        /// <summary>The validation result of the best; null: nothing was judged.</summary>
        [JsonIgnore]
        public double? BestResult => BestEpoch == 0 ? Start : History[BestEpoch - 1].Validation;

        /// <summary>Steps that were made when all numbers were last known to be finite.</summary>
        public long GoodStep { get; set; }

        /// <summary>Updates that are in the optimizer's averages: steps, but for those that were gone back behind.</summary>
        public long Updates { get; set; }

        /// <summary>As many as there were at <see cref="GoodStep"/>.</summary>
        public long GoodUpdates { get; set; }

        /// <summary>What went wrong and was mended.</summary>
        public List<string> Incidents { get; set; } = [];

        /// <summary>Which loss was chosen, in words; null before the first batch.</summary>
        public string? Loss { get; set; }
    }
}

[JsonSerializable(typeof(TrainingState.Progress))]
[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class StateJson : JsonSerializerContext;
