using System.Diagnostics;
using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Training.Checkpoints;
using Tersor.Training.Data;
using Tersor.Training.Libtorch;
using Tersor.Training.Losses;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>One run of a job, from its start or its checkpoint to its end.</summary>
internal sealed class TrainingRun : IDisposable
{
    /// <summary>Steps between copies of a state whose numbers were all finite.</summary>
    private const int GoodSteps = 100;

    /// <summary>How often training goes back to the last good state before it gives up.</summary>
    private const int Attempts = 4;

    /// <summary>Share of the loss that is shown which comes from the steps before.</summary>
    private const double Smoothing = 0.95;

    private readonly TrainingJob job;
    private readonly TrainingSettings settings;
    private readonly PreparedJob prepared;
    private readonly TrainingReader reader;
    private readonly TrainableGraph graph;
    private readonly TrainingState state;
    private readonly IObjective objective;
    private readonly ForwardPass forward;
    private readonly Validation? validation;
    private readonly string key;
    private readonly long steps;
    private readonly TimeBudget time;
    private long samples, busy, lastSave;
    private bool isCutShort;
    private double recentLoss = double.NaN;

    /// <param name="job">What, on what, how.</param>
    /// <param name="loss">A loss of the caller's own; null: the job's.</param>
    /// <param name="clock">Tells when time is up.</param>
    /// <exception cref="TrainingException">The model cannot be trained on these data.</exception>
    public TrainingRun(TrainingJob job, Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor>? loss, TimeProvider clock)
    {
        (this.job, settings, time) = (job, job.Settings, new(job.Settings.TimeLimit, clock));
        prepared = new(job, loss);
        (reader, graph, objective, forward) = (prepared.Reader, prepared.Graph, prepared.Objective, prepared.Forward);
        state = new(graph, settings);
        validation = job.Validation is { Count: > 0 } held ? new(graph, held, job.Metric, forward, settings, reader.IsOneByOne) : null;
        key = CheckpointKey.Of(job);
        int stepsInEpoch = (reader.Count + settings.Accumulate - 1) / settings.Accumulate;
        steps = Math.Min((long)settings.Epochs * stepsInEpoch, settings.MaxSteps ?? long.MaxValue);
    }

    /// <summary>An epoch that has begun is ended first, also by a run that goes on after its last step.</summary>
    private bool IsOver => state.Done.Group == 0 && (state.Done.Step >= steps || settings.Patience is { } patience && validation is not null && state.Done.Epoch - Math.Max(BestSeen(), 1) >= patience);

    private double Rate => settings.PeakLearningRate * settings.Schedule.At(state.Done.Step, steps) * state.Done.RateFactor;

    private double SamplesPerSecond => samples / Math.Max(Stopwatch.GetElapsedTime(0, busy).TotalSeconds, 1e-9);

    /// <summary>Trains until all steps are made, no epoch was better for too long, or time is up.</summary>
    /// <exception cref="TrainingException">The checkpoint is of another job, or numbers run away again and again.</exception>
    public TrainingResult ToEnd(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        if (settings.Checkpoint is { } path && File.Exists(path))
            state.Load(path, key, steps, reader.Count);
        if (objective is DistillationObjective { Caches: true } && !IsOver)
            AskAgain(cancellation);
        lastSave = Stopwatch.GetTimestamp();
        try
        {
            JudgeStart(cancellation);
            while (!IsOver && !isCutShort)
                Epoch(progress, cancellation);
        }
        catch (OperationCanceledException)
        {
            Save(); // between steps, or while what they gave is judged: the state is whole
            throw;
        }
        state.UseBest();
        // What was given, to the bit: written through the graph, half precision and integers might be rounded anew.
        bool isGiven = state.Done.BestEpoch == 0 && !settings.Reinitialize;
        return new(isGiven ? job.Model.Clone() : graph.Write(), [.. state.Done.History], state.Done.BestEpoch, validation?.Name)
        {
            Start = state.Done.Start,
            Loss = state.Done.Loss,
            Notes = [.. Notes()],
            Trained = [.. graph.Parameters.Where(p => !p.IsHelper).Select(p => p.Name)],
            Untouched = graph.Untouched,
            Incidents = [.. state.Done.Incidents],
            SamplesPerSecond = SamplesPerSecond,
            OptimizerState = job.KeepsOptimizerState ? OptimizerState() : new Dictionary<string, IReadOnlyDictionary<string, OnnxTensor>>(),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        state.Dispose();
        prepared.Dispose();
    }

    private Dictionary<string, IReadOnlyDictionary<string, OnnxTensor>> OptimizerState()
    {
        using IDisposable scope = NewDisposeScope();
        return graph.ByName(p => (IReadOnlyDictionary<string, OnnxTensor>)state.Optimizer.State.ToDictionary(row => row.Key, row => TorchTensors.ToOnnx(p.In(row.Value))));
    }

    private IEnumerable<string> Notes()
    {
        if (prepared.OneByOne is { } who)
            yield return $"{who} one sample at a time: gradients of {settings.BatchSize} are added up for every step{(graph.NormalizesBatches ? ", and batch normalizations see one sample" : "")}";
        if (graph.Split.Count > 0)
            yield return $"constants in several roles, told apart: {string.Join(", ", graph.Split.Take(3).Select(s => $"'{s.Name}' ({string.Join(", ", s.Copies)})"))}{(graph.Split.Count > 3 ? $" and {graph.Split.Count - 3} more" : "")}";
        if (graph.UntoldMomenta is { Count: > 0 } untold)
            yield return $"momentum 1 of {untold[0]}{(untold.Count > 1 ? $" and {untold.Count - 1} more" : "")} would leave running statistics as they are: taken as not told, 0.9 is used";
        if (isCutShort)
            yield return state.Done.Step == 0 ? $"stopped before the first of {Plural.Of(steps, "step")}" : $"stopped after {time.Words}, at step {state.Done.Step} of {steps}: the learning rate had come to {Rate.ToString("0.0e0", CultureInfo.InvariantCulture)}, where its schedule was cut off";
    }

    /// <summary>Judges the model as it is before the first step: what no epoch beats is no gain.</summary>
    private void JudgeStart(CancellationToken cancellation)
    {
        if (validation is null || state.Done.Start is not null)
            return;
        state.Done.Start = time.Judged(() => validation.Measure(cancellation));
        if (settings.KeepBest)
            state.KeepBest();
        Save();
    }

    /// <summary>Runs the batches of the first epoch, as far as they were run before, so that teachers' answers are kept that would have been kept, to the bit.</summary>
    private void AskAgain(CancellationToken cancellation)
    {
        int count = state.Done.Epoch > 0 ? reader.Count : state.Done.Group;
        foreach (IEnumerable<TrainingSequence> group in count == 0 ? [] : reader.Groups(settings.Seed, 0, 0, cancellation).Take(count))
        {
            foreach (TrainingSequence sequence in group)
            {
                using (sequence)
                    forward.Loss(sequence, 0, 0, heldOut: false);
            }
        }
    }

    private void Epoch(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        // Looked at between steps only: none is left half done.
        using (IEnumerator<IEnumerable<TrainingSequence>> groups = reader.Groups(settings.Seed, state.Done.Epoch, state.Done.Group, CancellationToken.None).GetEnumerator())
        {
            while (state.Done.Group < reader.Count && state.Done.Step < steps && !(isCutShort = time.IsSpent))
            {
                cancellation.ThrowIfCancellationRequested();
                Step(groups);
                time.StepMade();
                state.Done.Loss = objective.Words ?? state.Done.Loss;
                progress?.Report(new(state.Done.Epoch + 1, state.Done.Step, steps, recentLoss, SamplesPerSecond, state.Done.History.LastOrDefault()?.Validation ?? state.Done.Start)
                {
                    Remaining = time.Left(steps - state.Done.Step),
                });
                if (Stopwatch.GetElapsedTime(lastSave).TotalSeconds >= settings.CheckpointSeconds)
                    Save();
            }
        }
        cancellation.ThrowIfCancellationRequested();
        if (isCutShort)
            Save(); // before the epoch is ended: with more time, the run goes on as if it had never stopped
        if (state.Done.Group == 0)
            return;
        EndEpoch(cancellation);
        if (!isCutShort)
            Save();
    }

    /// <summary>The epoch with the best validation result, from 1, whether its weights are kept or not; 0: none was judged. The start does not count: a model that was trained before may have to get worse to get better.</summary>
    private int BestSeen()
    {
        TrainingEpoch? best = null;
        foreach (TrainingEpoch epoch in state.Done.History)
        {
            if (epoch.Validation is { } result && (best is null || validation!.IsBetter(result, best.Validation!.Value)))
                best = epoch;
        }
        return best?.Epoch ?? 0;
    }

    /// <summary>One step of the optimizer: gradients of one group of samples or, accumulated, of several.</summary>
    private void Step(IEnumerator<IEnumerable<TrainingSequence>> groups)
    {
        graph.Buffer.Gradients.zero_();
        int count = Math.Min(settings.Accumulate, reader.Count - state.Done.Group), size = reader.SamplesIn(state.Done.Group, count);
        double loss = 0;
        for (int part = 0; part < count && groups.MoveNext(); part++)
        {
            long began = Stopwatch.GetTimestamp();
            loss += forward.Backward(groups.Current, state.Done.Step, part, (double)state.Done.Step / steps, size, state.Done.Epoch);
            samples += reader.SamplesIn(state.Done.Group, 1);
            busy += Stopwatch.GetTimestamp() - began;
            state.Done.Group++;
        }
        long gathered = Stopwatch.GetTimestamp();
        using IDisposable _ = no_grad();
        if (graph.GradientFactors is { } factors)
            graph.Buffer.Gradients.mul_(factors);
        double norm = Norm(graph.Buffer.Gradients);
        bool isGood = double.IsFinite(loss) && double.IsFinite(norm);
        if (isGood)
        {
            Update(norm);
            recentLoss = double.IsNaN(recentLoss) ? loss : Smoothing * recentLoss + (1 - Smoothing) * loss;
            state.Done.LossSum += loss * count;
            state.Done.LossGroups += count;
        }
        else
        {
            GoBack($"step {state.Done.Step}: {forward.Culprit(double.IsFinite(loss))}");
        }
        state.Done.Step++;
        if (isGood && state.Done.Step - state.Done.GoodStep >= GoodSteps && double.IsFinite(Norm(graph.Buffer.Values)))
            state.KeepGood();
        busy += Stopwatch.GetTimestamp() - gathered;
    }

    private void Update(double norm)
    {
        if (settings.ClipNorm is { } clip && norm > clip)
            graph.Buffer.Gradients.mul_(clip / (norm + 1e-6));
        state.Optimizer.Step(graph.Buffer.Values, graph.Buffer.Gradients, Rate, settings.WeightDecay, state.Done.Updates++, settings.Schedule.MomentumAt(state.Done.Step, steps));
        state.Average?.mul_(settings.Average).add_(graph.Buffer.Values, 1 - settings.Average);
    }

    private void GoBack(string incident)
    {
        if (state.Done.Incidents.Count + 1 >= Attempts)
            throw new TrainingException($"Training ran into numbers that are not finite {Attempts} times, the last time in {incident}. Use a lower learning rate (--learning-rate), or clip gradients (--clip-norm).");
        state.GoBack();
        state.Done.RateFactor /= 2;
        state.Done.Incidents.Add($"{incident}; back to step {state.Done.GoodStep}, learning rate halved");
    }

    private static double Norm(Tensor gradients)
    {
        using Tensor norm = gradients.norm();
        return TorchTensors.Number(norm);
    }

    private void EndEpoch(CancellationToken cancellation)
    {
        TrainingState.Progress done = state.Done;
        double? result = validation is null ? null : time.Judged(() => state.WithAverage(() => validation.Measure(cancellation)));
        done.Epoch++;
        done.History.Add(new(done.Epoch, done.Step, done.LossSum / done.LossGroups, Rate, result));
        if (validation is null || !settings.KeepBest)
        {
            done.BestEpoch = done.Epoch;
        }
        else if (validation.IsBetter(result!.Value, done.BestResult!.Value))
        {
            done.BestEpoch = done.Epoch;
            state.KeepBest();
        }
        done.Group = 0;
        done.LossSum = 0;
        done.LossGroups = 0;
    }

    private void Save()
    {
        lastSave = Stopwatch.GetTimestamp();
        if (settings.Checkpoint is { } path)
            state.Save(path, key);
    }
}
