using System.Diagnostics;
using Tersor.Compression.Training;
using Tersor.Onnx;

namespace Tersor.Training;

/// <summary>Teaches a student by way of assistants: each model of a chain learns from the one before, so that no step down in size is too big.</summary>
/// <remarks>Source: Mirzadeh et al. 2020, arXiv:1902.03393, sections 3 and 4.3.</remarks>
/// <param name="job">How every link is trained: its teachers teach the first of the chain, and its model is the student, the last. Hidden values named in its settings must be in every model.</param>
/// <param name="assistants">From the one nearest to the teachers to the one nearest to the student; none: the student learns from the teachers.</param>
public sealed class ProgressiveDistillation(TrainingJob job, IReadOnlyList<Model> assistants)
{
    /// <summary>Trains the chain.</summary>
    /// <param name="progress">Told after every step which link it is, from 0, and how far it has come.</param>
    /// <param name="cancellation">Stops it between steps. Each link has a checkpoint of its own where one is asked for, the path with ".1", ".2" and so on: run again, links that are done are read from theirs.</param>
    /// <returns>What every link came to, the student last.</returns>
    /// <exception cref="TrainingException">There is no teacher, or a link cannot be trained.</exception>
    public IReadOnlyList<TrainingResult> Run(IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default)
    {
        if (job.Teachers.Count == 0)
            throw new TrainingException("A chain needs a teacher at its beginning. Name one.");
        // All jobs are looked at before the first is begun.
        TrainingJob[] links = [.. assistants.Append(job.Model).Select((model, link) => job with { Model = model, Settings = SettingsOf(link), Distillation = link == 0 ? job.Distillation : FromOne(job.Distillation) })];
        foreach (TrainingJob link in links)
            _ = new Trainer(link);
        List<TrainingResult> results = [];
        long began = Stopwatch.GetTimestamp();
        IReadOnlyList<Model> teachers = job.Teachers;
        for (int link = 0; link < links.Length; link++)
        {
            TrainingResult result = new Trainer(links[link] with { Teachers = teachers, Settings = links[link].Settings with { TimeLimit = Share(Stopwatch.GetElapsedTime(began), links.Length - link) } }).Run(progress is null ? null : new Linked(progress, link), cancellation);
            results.Add(result);
            teachers = [result.Model];
        }
        return results;
    }

    /// <summary>The time of a link: an equal share of what the links before it left.</summary>
    private TimeSpan? Share(TimeSpan spent, int links) => job.Settings.TimeLimit is { } limit ? TimeSpan.FromTicks(Math.Max((limit - spent).Ticks / links, 1)) : null;

    private TrainingSettings SettingsOf(int link) => job.Settings.Checkpoint is { } path ? job.Settings with { Checkpoint = $"{path}.{link + 1}" } : job.Settings;

    /// <summary>Behind the first link there is one teacher.</summary>
    private static DistillationSettings? FromOne(DistillationSettings? settings) => settings is null ? null
        : settings with { Features = [.. settings.Features.Where(f => f.TeacherIndex == 0)], Attention = [.. settings.Attention.Where(f => f.TeacherIndex == 0)] };

    private sealed class Linked(IProgress<(int, TrainingProgress)> progress, int link) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => progress.Report((link, value));
    }
}
