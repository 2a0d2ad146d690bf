using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Training.Data;
using Tersor.Training.Execution;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Losses;

/// <summary>What distillation needs before the student is made ready for training: teachers, and the shapes of hidden values.</summary>
internal sealed class DistillationSetup : IDisposable
{
    private readonly TrainingJob job;
    private readonly DistillationSettings settings;
    private readonly bool caches;

    /// <param name="job">With teachers.</param>
    /// <param name="reader">Of the training samples.</param>
    /// <exception cref="TrainingException">Teachers cannot be run, or do not fit the student.</exception>
    public DistillationSetup(TrainingJob job, TrainingReader reader)
    {
        (this.job, settings) = (job, job.Distillation ?? new());
        FeaturePair[] pairs = [.. settings.Features, .. settings.Attention];
        if (pairs.FirstOrDefault(p => p.TeacherIndex >= job.Teachers.Count) is { } beyond)
            throw new TrainingException($"'{beyond.Teacher}' is asked of teacher {beyond.TeacherIndex + 1}, but there {(job.Teachers.Count == 1 ? "is 1" : $"are {job.Teachers.Count}")}.");
        StudentValues = [.. pairs.Select(p => p.Student)];
        string[] given = [.. job.Model.Graph.Inputs.Where(i => !i.IsInitializer && !job.Data.Feedback.Values.Contains(i.Name)).Select(i => i.Name)];
        Teachers = [.. job.Teachers.Select((t, i) => new Teacher(t, i + 1, [.. pairs.Where(p => p.TeacherIndex == i).Select(p => p.Teacher)], given, job.Data.Feedback))];
        caches = job.Settings.Augmentation is { Flip: 0, Crop: 0, Erase: 0, Noise: 0 } && !reader.IsSequential;
        Features = pairs.Length == 0 ? [] : Measured(pairs, reader);
    }

    /// <summary>Whom the student learns from.</summary>
    public IReadOnlyList<Teacher> Teachers { get; }

    /// <summary>Hidden values to compare.</summary>
    public IReadOnlyList<FeatureMatch> Features { get; }

    /// <summary>Names of values of the student that are looked at.</summary>
    public IReadOnlyCollection<string> StudentValues { get; }

    /// <summary>What is trained beside the student.</summary>
    public IReadOnlyList<HelperParameter> Helpers => [.. Features.SelectMany(f => f.Helpers)];

    /// <summary>What the student makes small.</summary>
    /// <param name="graph">The student.</param>
    /// <param name="hard">The loss of labels; null: there is none.</param>
    public DistillationObjective Objective(TrainableGraph graph, IObjective? hard) => new(graph, hard, settings, Teachers, Features, job.Data.Feedback, caches);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Teacher teacher in Teachers)
            teacher.Dispose();
    }

    /// <summary>Runs the first sample through student and teachers to see the shapes of hidden values.</summary>
    private FeatureMatch[] Measured(FeaturePair[] pairs, TrainingReader reader)
    {
        using IDisposable _ = no_grad();
        using IDisposable scope = NewDisposeScope();
        using GraphProgram student = new(RunningModel.Of(job.Model, StudentValues), ScalarType.Float32);
        using TrainingSequence sequence = reader.Alone(0);
        IReadOnlyDictionary<string, Tensor> inputs = sequence.Steps[0];
        object?[] learned = student.Run(inputs, [.. pairs.Select(p => FeatureMatch.Find(student.Model, p.Student, "the student"))]);
        FeatureMatch[] matches = new FeatureMatch[pairs.Length];
        for (int i = 0; i < pairs.Length; i++)
        {
            Teacher teacher = Teachers[pairs[i].TeacherIndex];
            Tensor taught = teacher.Run(inputs, [FeatureMatch.Find(teacher.Model, pairs[i].Teacher, $"teacher {pairs[i].TeacherIndex + 1}")], 0)[0];
            teacher.Begin();
            Tensor own = learned[i] as Tensor ?? throw new TrainingException($"'{pairs[i].Student}' of the student is no tensor.");
            matches[i] = FeatureMatch.Of(pairs[i], i, i >= settings.Features.Count, own.shape, taught.shape, job.Settings.Seed);
        }
        return matches;
    }
}
