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
    private const string BestPrefix = "best/", GoodPrefix = "good/", StatisticPrefix = "statistic/";

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
            Best[$"{StatisticPrefix}{name}"] = tensor.clone().DetachFromDisposeScope();
    }

    /// <summary>Puts the best, or else the average, into the graph.</summary>
    public void UseBest()
    {
        using IDisposable _ = no_grad();
        if (Best.Count > 0)
        {
            graph.Buffer.Values.copy_(Best["values"]);
            graph.RestoreStatistics(name => Best.GetValueOrDefault($"{StatisticPrefix}{name}"));
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
        foreach ((string name, Tensor tensor) in Live().Where(t => !t.Key.StartsWith(StatisticPrefix, StringComparison.Ordinal)))
        {
            if (!snapshot.TryGetValue(name, out Tensor? kept) || !kept.shape.SequenceEqual(tensor.shape))
                throw new TrainingException($"The checkpoint holds no '{name}' of {Plural.Of(tensor.numel(), "number")}: it belongs to another model, or to other settings. Remove it to start anew.");
            tensor.copy_(kept);
        }
        graph.RestoreStatistics(name => snapshot.GetValueOrDefault($"{StatisticPrefix}{name}"));
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
    /// <param name="path">The file.</param>
    /// <param name="key">What model, data and settings it has to belong to.</param>
    /// <param name="steps">Steps of the whole run.</param>
    /// <param name="groups">Groups of an epoch.</param>
    /// <exception cref="TrainingException">It belongs to another model, data set or settings, or was changed by other hands.</exception>
    public void Load(string path, string key, long steps, int groups)
    {
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> words) = TensorArchive.Read(path);
        try
        {
            if (words.GetValueOrDefault("key") != key || !words.TryGetValue("progress", out string? progress))
                throw new TrainingException($"'{path}' is a checkpoint of another model, other data or other settings. Remove it to start anew, or name another file.");
            Progress done = JsonSerializer.Deserialize(progress, StateJson.Default.Progress) ?? throw new JsonException("nothing is told.");
            if (done.Problem(steps, groups) is { } problem)
                throw new JsonException(problem);
            Dictionary<string, Tensor> live = Live().ToDictionary();
            string[] needed = [.. live.Keys.Where(n => !n.StartsWith(StatisticPrefix, StringComparison.Ordinal))];
            RequireLike(live, "", needed);
            RequireLike(live, GoodPrefix, needed);
            RequireLike(live, BestPrefix, tensors.Keys.Any(k => k.StartsWith(BestPrefix, StringComparison.Ordinal)) ? ["values"] : []);
            Restore(tensors);
            Best = Part(BestPrefix);
            Release(good);
            good = Part(GoodPrefix);
            Done = done;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw new TrainingException($"'{path}' is no checkpoint that training could go on from: its progress cannot be read: {e.Message.Split('\n')[0]} Remove it to start anew.");
        }
        finally
        {
            Release(tensors);
        }

        // Everything that is needed is there, and has the shape it has in this run.
        void RequireLike(Dictionary<string, Tensor> live, string prefix, IEnumerable<string> needed)
        {
            if (needed.FirstOrDefault(n => !tensors.ContainsKey(prefix + n)) is { } missing)
                throw new TrainingException($"'{path}' holds no '{prefix}{missing}'. Remove it to start anew.");
            foreach ((string name, Tensor tensor) in tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                if (live.TryGetValue(name[prefix.Length..], out Tensor? like) && !like.shape.SequenceEqual(tensor.shape))
                    throw new TrainingException($"'{path}' holds '{name}' of shape [{string.Join(", ", tensor.shape)}], which does not belong to this model and these settings. Remove it to start anew.");
            }
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
            yield return new($"{StatisticPrefix}{name}", tensor);
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

        /// <summary>Sum of the losses of those of its groups that were learned from.</summary>
        public double LossSum { get; set; }

        /// <summary>How many those are: all, but for those whose numbers ran away.</summary>
        public int LossGroups { get; set; }

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

        /// <summary>What cannot be in it, in words; null: nothing.</summary>
        /// <param name="steps">Steps of the whole run.</param>
        /// <param name="groups">Groups of an epoch.</param>
        public string? Problem(long steps, int groups) => History is null || History.Contains(null!) || Incidents is null || Incidents.Contains(null!) ? "epochs or incidents are missing."
            : Step < 0 || Step > steps ? $"{nameof(Step)} is {Step}; expected 0..{steps}."
            : Group < 0 || Group > groups ? $"{nameof(Group)} is {Group}; expected 0..{groups}."
            : LossGroups < 0 || LossGroups > Group ? $"{nameof(LossGroups)} is {LossGroups}; expected 0..{Group}."
            : Epoch != History.Count ? $"{nameof(Epoch)} is {Epoch}, and {Plural.Of(History.Count, "epoch")} are told of."
            : BestEpoch < 0 || BestEpoch > Epoch ? $"{nameof(BestEpoch)} is {BestEpoch}; expected 0..{Epoch}."
            : GoodStep < 0 || GoodStep > Step ? $"{nameof(GoodStep)} is {GoodStep}; expected 0..{Step}."
            : Updates < 0 || Updates > Step || GoodUpdates < 0 || GoodUpdates > Updates ? $"{nameof(Updates)} is {Updates} and {nameof(GoodUpdates)} {GoodUpdates}; expected 0..{Step}, the latter no more."
            : !(RateFactor is > 0 and <= 1) ? $"{nameof(RateFactor)} is {RateFactor}; expected above 0 and at most 1."
            : null;
    }
}

[JsonSerializable(typeof(TrainingState.Progress))]
[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class StateJson : JsonSerializerContext;
