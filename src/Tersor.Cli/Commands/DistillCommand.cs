using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Training;
using Tersor.Compression.Training.Students;
using Tersor.Onnx;
using Tersor.Pipeline.Training;
using Tersor.Reporting.Training;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor distill</c> was asked to do.</summary>
internal sealed record DistillRequest(TrainRequest Training)
{
    /// <summary>Models the student learns from.</summary>
    public IReadOnlyList<string> Teachers { get; init; } = [];

    /// <summary>Models between teacher and student, the nearest to the teacher first.</summary>
    public IReadOnlyList<string> Assistants { get; init; } = [];

    /// <summary>Share of the residual blocks of the model that its student keeps, after those of assistants; empty: all.</summary>
    public IReadOnlyList<double> Shallow { get; init; } = [];

    /// <summary>Share of the channels of every layer that its student keeps, after those of assistants; empty: all.</summary>
    public IReadOnlyList<double> Narrow { get; init; } = [];

    /// <summary>How many models are made from the model: assistants, and the student last. 0: the model is the student.</summary>
    public int Derived => Math.Max(Shallow.Count, Narrow.Count);

    public DistillationSettings Settings { get; init; } = new();
}

/// <summary><c>tersor distill</c>: a small model learns what a large one answers.</summary>
internal static class DistillCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model("ONNX file of the student; with --shallow or --narrow, of the model a student is made from.");
        Option<string> output = CommonOptions.Output();
        DataOptions data = new(required: true);
        Option<string[]> teachers = new("--teacher") { HelpName = "file", Description = "ONNX file of a model to learn from; may be given several times. With --shallow or --narrow it is the model itself.", DefaultValueFactory = _ => [] };
        Option<string[]> assistants = new("--assistant") { HelpName = "file", Description = "ONNX file of a model between teacher and student, the nearest to the teacher first; may be given several times. Each learns from the one before.", DefaultValueFactory = _ => [] };
        Option<double[]> shallow = new("--shallow") { HelpName = "share", Description = "Make the student from the model: this share of its residual blocks stays, with their weights, 0..1. Given several times, all but the last make assistants.", DefaultValueFactory = _ => [] };
        Option<double[]> narrow = new("--narrow") { HelpName = "share", Description = "Make the student from the model: this share of the channels of every layer stays, those with the largest weights, above 0 and up to 1. Given several times, all but the last make assistants. With --shallow: both.", DefaultValueFactory = _ => [] };
        DistillationOptions distillation = new();
        TrainingOptions training = new();
        Option<string?> report = CommonOptions.Report();
        Option<ExternalDataMode> externalData = CommonOptions.ExternalData();
        Option<bool> force = CommonOptions.Force(), json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("distill", "Train a small model on what a large one answers.") { model, output, teachers, assistants, shallow, narrow };
        data.AddTo(command);
        distillation.AddTo(command);
        training.AddTo(command);
        foreach (Option option in (Option[])[report, externalData, force, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(new(parsed.GetRequiredValue(model), parsed.GetRequiredValue(output))
        {
            Settings = training.Read(parsed),
            Data = data.Read(parsed),
            Reading = reading.Read(parsed),
            Writing = new() { ExternalData = parsed.GetValue(externalData) },
            Force = parsed.GetValue(force),
            Report = parsed.GetValue(report),
            Json = parsed.GetValue(json),
        })
        {
            Teachers = parsed.GetValue(teachers)!,
            Assistants = parsed.GetValue(assistants)!,
            Shallow = parsed.GetValue(shallow)!,
            Narrow = parsed.GetValue(narrow)!,
            Settings = distillation.Read(parsed),
        }, terminal, cancellation)));
        return command.WithHelp(
            "The student learns from the softened answers of its teachers, and from labels where there are some: alpha·T²·KL(teacher/T, student/T) + (1 - alpha)·loss. Teacher and student are any\n"
            + "two models that can be fed the same; inputs and outputs meet by name, else by position, and a trailing Softmax or Sigmoid is looked through. Data without labels do.\n"
            + "Needs the package Tersor.Training. How the student is trained is said as for 'tersor train'.",
            "tersor distill student.onnx -o trained.onnx --teacher large.onnx --data data.yaml", "tersor distill student.onnx -o trained.onnx --teacher large.onnx --assistant middle.onnx --data data.yaml",
            "tersor distill large.onnx -o shallow.onnx --shallow 0.5 --data data.yaml", "tersor distill large.onnx -o narrow.onnx --narrow 0.6 --narrow 0.3 --data data.yaml");
    }

    public static int Execute(DistillRequest request, Terminal terminal, CancellationToken cancellation)
    {
        TrainRequest training = request.Training;
        TrainCommand.Check(training);
        foreach (double share in request.Shallow.Where(s => !(s is >= 0 and < 1)))
            throw new UsageException($"--shallow is {share}; expected 0..1, 1 excluded.");
        foreach (double share in request.Narrow.Where(s => !(s is > 0 and <= 1)))
            throw new UsageException($"--narrow is {share}; expected above 0 and at most 1.");
        if (request.Shallow.Count > 0 && request.Narrow.Count > 0 && request.Shallow.Count != request.Narrow.Count)
            throw new UsageException($"--shallow is given {Plural.Of(request.Shallow.Count, "time")} and --narrow {request.Narrow.Count}; expected one of each for every assistant and for the student.");
        if (request.Teachers.Count == 0 && request.Derived == 0)
            throw new UsageException("A student learns from a teacher: name one with --teacher, or make the student from the model with --shallow or --narrow.");
        if (request.Teachers.Concat(request.Assistants).FirstOrDefault(f => OutputPath.AreSame(f, training.Output)) is { } same)
            throw new UsageException($"The output '{same}' is a model that is learned from. Give another name.");
        ITraining trainer = TrainingPackage.Load();
        using CheckedModel input = CheckedModel.Load(training.Model, training.Reading, training.Data, new FixDimensionsOptions(), terminal, cancellation, "train");
        OverridableWeights.Note(training.Model, input.Model, terminal);
        Model[] teachers = [.. request.Teachers.Select(Load)], assistants = [.. request.Assistants.Select(Load)];
        if (teachers.Length == 0)
            teachers = [input.Model];
        TrainingJob job = TrainCommand.Job(input, training.Settings, training.Data, terminal) with { Teachers = teachers, Distillation = request.Settings };
        if (request.Derived > 0)
        {
            Model[] derived = [.. Enumerable.Range(0, request.Derived).Select(i => Derive(input.Model, request, i))];
            (job, assistants) = (job with { Model = derived[^1] }, [.. assistants, .. derived[..^1]]);
        }
        TrainingResult result;
        IReadOnlyList<LossPoint> curve;
        using (TrainingView view = new(terminal))
        {
            result = assistants.Length == 0 ? trainer.Train(job, view, cancellation) : trainer.Distill(job, assistants, view, cancellation)[^1];
            curve = view.Curve;
        }
        if (result.IsStart && request.Derived == 0)
            input.SaveUnchanged(training.Output, training.Writing, cancellation);
        else
            input.Save(result.IsStart ? job.Model : result.Model, training.Output, training.Writing, cancellation);
        TrainCommand.Print(TrainReport.Of(training.Model, training.Output, job, result) with { Teachers = [.. request.Teachers.DefaultIfEmpty(training.Model), .. request.Assistants], Curve = curve }, training, terminal);
        return TrainCommand.Verdict(result, request.Derived > 0 ? "the student" : "the input model", terminal);

        static Model Derive(Model model, DistillRequest request, int link)
        {
            Model made = request.Shallow.Count > 0 ? ShallowStudent.Derive(model, request.Shallow[link]) : model;
            return request.Narrow.Count > 0 ? NarrowStudent.Derive(made, request.Narrow[link]) : made;
        }

        // Run in the child once, like every model a user gives.
        Model Load(string path)
        {
            using CheckedModel other = CheckedModel.LoadTeacher(input, path, training.Reading, terminal, cancellation);
            return other.Model;
        }
    }
}
