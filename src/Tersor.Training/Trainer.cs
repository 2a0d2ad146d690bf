using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Libtorch;
using Tersor.Training.Losses;
using Tersor.Training.Optimization;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training;

/// <summary>Trains an ONNX graph: data, loss, optimizer, schedule, checkpoints.</summary>
/// <remarks>At one thread, the same job gives the same bytes, whether it ran through or was killed and went on from its checkpoint: every random number of a step follows from the seed and the number of the step.</remarks>
public sealed class Trainer
{
    /// <summary>Steps between copies of a state whose numbers were all finite.</summary>
    private const int GoodSteps = 100;

    /// <summary>How often training goes back to the last good state before it gives up.</summary>
    private const int Attempts = 4;

    private static readonly Lock Libtorch = new(); // threads and random numbers are the process's

    private readonly TrainingJob job;
    private readonly TrainingSettings settings;
    private readonly Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor>? loss;

    /// <param name="job">What, on what, how.</param>
    /// <param name="loss">A loss of the caller's own, in place of <see cref="TrainingSettings.Loss"/>: from outputs by name and labels by name to one number with a gradient.</param>
    /// <exception cref="TrainingException">The settings cannot be used.</exception>
    public Trainer(TrainingJob job, Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor>? loss = null)
    {
        (this.job, settings, this.loss) = (job, job.Settings, loss);
        string[] problems = [.. settings.Problems(), .. job.Distillation?.Problems() ?? []];
        if (problems.Length > 0)
            throw new TrainingException(string.Join(" ", problems));
        if (job.Data.Count == 0)
            throw new TrainingException($"'{job.Data.Name}' has no samples to train on.");
        if (job.Teachers.Count == 0 && job.Distillation is not null)
            throw new TrainingException("Distillation is asked for, and there is no teacher. Name one.");
        if (job.Teachers.Count == 0 && loss is null && settings.Loss is TrainingLoss.None)
            throw new TrainingException("There is no loss, and no teacher to learn from. Name one of them.");
    }

    /// <summary>Trains.</summary>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Stops it between steps; a checkpoint is written first where one was asked for.</param>
    /// <exception cref="TrainingException">The model cannot be trained on these data.</exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        LibtorchLoader.Require();
        lock (Libtorch)
        {
            int threads = get_num_threads();
            set_num_threads(settings.Threads);
            try
            {
                return Train(progress, cancellation);
            }
            finally
            {
                set_num_threads(threads);
            }
        }
    }

    private TrainingResult Train(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        TrainingReader reader = new(job.Data, settings.BatchSize, ScalarType.Float32);
        using DistillationSetup? setup = job.Teachers.Count > 0 ? new(job, reader) : null;
        using TrainableGraph graph = new(job.Model, settings, helpers: setup?.Helpers, needed: setup?.StudentValues);
        using TrainingState state = new(graph, settings);
        IObjective? hard = loss is { } own ? new CallerObjective(graph.Program.Model, own) : settings.Loss is TrainingLoss.None ? null : new LabelObjective(graph.Program.Model, settings.Loss, job.Symbols);
        IObjective objective = setup is null ? hard! : setup.Objective(graph, hard);
        ForwardPass forward = new(graph, objective, settings, job.Data.Feedback);
        Validation? validation = job.Validation is { Count: > 0 } held ? new(graph, held, job.Metric, forward, settings) : null;
        string key = Key();
        if (settings.Checkpoint is { } path && File.Exists(path))
            state.Load(path, key);
        int groups = reader.Count, stepsInEpoch = (groups + settings.Accumulate - 1) / settings.Accumulate;
        long steps = Math.Min((long)settings.Epochs * stepsInEpoch, settings.MaxSteps ?? long.MaxValue);
        if (objective is DistillationObjective { Caches: true } && state.Done.Step < steps)
            AskAgain(reader, forward, state, cancellation);
        Dictionary<string, Tensor> good = state.Snapshot();
        long goodStep = state.Done.Step, trained = 0, lastSave = Stopwatch.GetTimestamp(), busy = 0;
        double recent = double.NaN;
        int attempts = 0;
        try
        {
            while (state.Done.Step < steps && !(settings.Patience is { } patience && validation is not null && state.Done.BestEpoch >= 0 && state.Done.Epoch - state.Done.BestEpoch > patience))
            {
                int inStep = 0;
                graph.Buffer.Gradients.zero_();
                double stepLoss = 0;
                foreach (IReadOnlyList<TrainingSequence> group in reader.Groups(settings.Seed, state.Done.Epoch, state.Done.Group, cancellation))
                {
                    long began = Stopwatch.GetTimestamp();
                    int samples = group.Sum(s => s.Samples.Count);
                    try
                    {
                        int share = Math.Min(settings.Accumulate, groups - (state.Done.Group - inStep));
                        stepLoss += forward.Backward(group, state.Done.Step, inStep, (double)state.Done.Step / steps, share, state.Done.Epoch);
                    }
                    finally
                    {
                        foreach (TrainingSequence sequence in group)
                            sequence.Dispose();
                    }
                    state.Done.Group++;
                    if (++inStep < settings.Accumulate && state.Done.Group < groups)
                        continue;
                    if (graph.GradientFactors is { } factors)
                    {
                        using IDisposable _ = no_grad();
                        graph.Buffer.Gradients.mul_(factors);
                    }
                    double norm = Norm(graph.Buffer.Gradients);
                    if (!double.IsFinite(stepLoss) || !double.IsFinite(norm))
                    {
                        string incident = $"step {state.Done.Step}: {forward.Culprit(double.IsFinite(stepLoss))}";
                        if (++attempts >= Attempts)
                            throw new TrainingException($"Training ran into numbers that are not finite {attempts} times, the last time in {incident}. Use a lower learning rate (--learning-rate), or clip gradients (--clip-norm).");
                        state.Restore(good);
                        state.Done.RateFactor /= 2;
                        state.Done.Incidents.Add($"{incident}; back to step {goodStep}, learning rate halved");
                    }
                    else
                    {
                        Update(graph, state, norm, steps);
                        recent = double.IsNaN(recent) ? stepLoss : 0.95 * recent + 0.05 * stepLoss;
                        state.Done.LossSum += stepLoss * inStep;
                        if (state.Done.Step - goodStep >= GoodSteps)
                        {
                            TrainingState.Release(good);
                            (good, goodStep) = (state.Snapshot(), state.Done.Step);
                        }
                    }
                    state.Done.Step++;
                    trained += samples * inStep;
                    busy += Stopwatch.GetTimestamp() - began;
                    inStep = 0;
                    stepLoss = 0;
                    graph.Buffer.Gradients.zero_();
                    progress?.Report(new(state.Done.Epoch, state.Done.Step, steps, recent, trained / Math.Max(Stopwatch.GetElapsedTime(0, busy).TotalSeconds, 1e-9), state.Done.History.LastOrDefault()?.Validation));
                    if (settings.Checkpoint is { } file && (Stopwatch.GetElapsedTime(lastSave).TotalSeconds >= settings.CheckpointSeconds || cancellation.IsCancellationRequested))
                    {
                        state.Save(file, key);
                        lastSave = Stopwatch.GetTimestamp();
                    }
                    cancellation.ThrowIfCancellationRequested();
                    if (state.Done.Step >= steps)
                        break;
                }
                EndEpoch(graph, state, validation, groups, steps, cancellation);
                if (settings.Checkpoint is { } end)
                    state.Save(end, key);
            }
            state.UseBest();
            return new(graph.Write(), [.. state.Done.History], Math.Max(state.Done.BestEpoch, 0), validation?.Name)
            {
                Trained = [.. graph.Parameters.Where(p => !p.IsHelper).Select(p => p.Name)],
                Untouched = graph.Untouched,
                Incidents = [.. state.Done.Incidents],
                SamplesPerSecond = trained / Math.Max(Stopwatch.GetElapsedTime(0, busy).TotalSeconds, 1e-9),
            };
        }
        finally
        {
            TrainingState.Release(good);
        }
    }

    /// <summary>Runs the batches of the first epoch, as far as they were run before, so that teachers' answers are kept that would have been kept, to the bit.</summary>
    private void AskAgain(TrainingReader reader, ForwardPass forward, TrainingState state, CancellationToken cancellation)
    {
        int count = state.Done.Epoch > 0 ? reader.Count : state.Done.Group;
        foreach (IReadOnlyList<TrainingSequence> group in count == 0 ? [] : reader.Groups(settings.Seed, 0, 0, cancellation).Take(count))
        {
            foreach (TrainingSequence sequence in group)
            {
                using (sequence)
                    forward.Loss(sequence, 0, 0, heldOut: false);
            }
        }
    }

    private static double Norm(Tensor gradients)
    {
        using Tensor norm = gradients.norm();
        return TorchTensors.Number(norm);
    }

    private double Rate(TrainingState state, long steps) => settings.LearningRate * settings.Schedule.At(state.Done.Step, steps) * state.Done.RateFactor;

    private void Update(TrainableGraph graph, TrainingState state, double norm, long steps)
    {
        using IDisposable _ = no_grad();
        if (settings.ClipNorm is { } clip && norm > clip)
            graph.Buffer.Gradients.mul_(clip / (norm + 1e-6));
        state.Optimizer.Step(graph.Buffer.Values, graph.Buffer.Gradients, Rate(state, steps), settings.WeightDecay, state.Done.Step);
        state.Average?.mul_(settings.Average).add_(graph.Buffer.Values, 1 - settings.Average);
    }

    private void EndEpoch(TrainableGraph graph, TrainingState state, Validation? validation, int groups, long steps, CancellationToken cancellation)
    {
        TrainingState.Progress done = state.Done;
        double? result = validation is null ? null : state.WithAverage(() => validation.Measure(cancellation));
        done.History.Add(new(done.Epoch, done.Step, done.LossSum / Math.Max(done.Group, 1), Rate(state, steps), result));
        if (validation is not null && settings.KeepBest && (done.BestEpoch < 0 || validation.IsBetter(result!.Value, done.History[done.BestEpoch].Validation!.Value)))
        {
            done.BestEpoch = done.Epoch;
            state.KeepBest();
        }
        else if (validation is null || !settings.KeepBest)
        {
            done.BestEpoch = done.Epoch;
        }
        done.Epoch++;
        done.Group = 0;
        done.LossSum = 0;
    }

    /// <summary>What a checkpoint belongs to: model, data and every setting that changes the result.</summary>
    private string Key()
    {
        XxHash64 hash = new();
        foreach (Model model in job.Teachers.Prepend(job.Model))
        {
            foreach (Value value in model.AllGraphs().SelectMany(g => g.Initializers))
                hash.Append(BitConverter.GetBytes(value.Tensor?.ContentHash() ?? 0));
            foreach (Node node in model.AllNodes())
                hash.Append(Encoding.UTF8.GetBytes($"{node.OpType} {string.Join(' ', node.Outputs.Select(o => o?.Name))}\n"));
        }
        hash.Append(Encoding.UTF8.GetBytes($"{job.Data.Name} {job.Data.Count} {job.Validation?.Count} {settings with { Checkpoint = null, CheckpointSeconds = 0, Threads = 1, Weights = new() }}"));
        hash.Append(Encoding.UTF8.GetBytes(string.Join('\n', [.. settings.Weights.Train, "", .. settings.Weights.Freeze, "", .. settings.Weights.FreezeNodes])));
        if (job.Teachers.Count > 0)
        {
            DistillationSettings distillation = job.Distillation ?? new();
            hash.Append(Encoding.UTF8.GetBytes($"{distillation with { Features = [], Attention = [] }}\n{string.Join('\n', distillation.Features)}\n\n{string.Join('\n', distillation.Attention)}"));
        }
        return hash.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture);
    }
}
