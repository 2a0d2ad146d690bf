using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Pipeline.Training;
using Tersor.Reporting;
using Tersor.Reporting.Html;
using Tersor.Reporting.Training;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor train</c> was asked to do.</summary>
internal sealed record TrainRequest(string Model, string Output)
{
    public TrainingSettings Settings { get; init; } = new();

    public DataRequest Data { get; init; } = DataRequest.None;

    public ModelReading Reading { get; init; } = new();

    public WriteOptions Writing { get; init; } = new();

    public bool Force { get; init; }

    /// <summary>Where the HTML report is written; null: nowhere.</summary>
    public string? Report { get; init; }

    public bool Json { get; init; }
}

/// <summary><c>tersor train</c>: the same graph with better weights.</summary>
internal static class TrainCommand
{
    /// <summary>Share of the training data that is held out where the data have no part for validation.</summary>
    private const double HeldOut = 0.1;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> output = CommonOptions.Output();
        DataOptions data = new(required: true);
        TrainingOptions training = new();
        Option<string?> report = CommonOptions.Report();
        Option<ExternalDataMode> externalData = CommonOptions.ExternalData();
        Option<bool> force = CommonOptions.Force(), json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("train", "Train a model further, or from scratch: the same graph with other weights.") { model, output };
        data.AddTo(command);
        training.AddTo(command);
        foreach (Option option in (Option[])[report, externalData, force, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(parsed.GetRequiredValue(model), parsed.GetRequiredValue(output))
        {
            Settings = training.Read(parsed),
            Data = data.Read(parsed),
            Reading = reading.Read(parsed),
            Writing = new() { ExternalData = parsed.GetValue(externalData) },
            Force = parsed.GetValue(force),
            Report = parsed.GetValue(report),
            Json = parsed.GetValue(json),
        }, terminal, cancellation)));
        return command.WithHelp(
            "Trains on the part 'train' of the data and keeps the weights of the epoch that was best on the part 'validation' (or on a held-out tenth of 'train'). Test data are never read.\n"
            + "The model as it is counts as epoch 0: where no epoch is better, it is what is written, and the exit code is 3 (no gain).\n"
            + "What is trained is found by role: kernels, matrices, biases, scales and shifts, tables; not the constants of a spelled-out activation, not statistics, not shapes.\n"
            + "Masks, N:M patterns, grids, codebooks and ties that the model is tagged with hold in every step. With --checkpoint a run that was stopped goes on where it was,\n"
            + "and ends with the same bytes. Needs the package Tersor.Training.",
            "tersor train model.onnx -o trained.onnx --data data.yaml", "tersor train model.onnx -o trained.onnx --data data.yaml --epochs 5 --learning-rate 1e-4 --checkpoint run.ckpt",
            "tersor train model.onnx -o head.onnx --data data.yaml --freeze '*' --train 'fc.*'", "tersor train model.onnx -o scratch.onnx --data data.yaml --reinitialize --epochs 30 --learning-rate 2e-3");
    }

    public static int Execute(TrainRequest request, Terminal terminal, CancellationToken cancellation)
    {
        Check(request);
        ITraining training = TrainingPackage.Load();
        using CheckedModel input = CheckedModel.Load(request.Model, request.Reading, request.Data, new FixDimensionsOptions(), terminal, cancellation, "train");
        OverridableWeights.Note(request.Model, input.Model, terminal);
        TrainingJob job = Job(input, request.Settings, request.Data, terminal);
        TrainingResult result;
        IReadOnlyList<LossPoint> curve;
        using (TrainingView view = new(terminal))
        {
            result = training.Train(job, view, cancellation);
            curve = view.Curve;
        }
        // Random weights that nothing was better than are nobody's result.
        if (result.IsStart)
            input.SaveUnchanged(request.Output, request.Writing, cancellation);
        else
            input.Save(result.Model, request.Output, request.Writing, cancellation);
        Print(TrainReport.Of(request.Model, request.Output, job, result) with { Curve = curve }, request, terminal);
        return Verdict(result, "the input model", terminal);
    }

    /// <summary>What the calling program is told: a run in which no epoch was better than the start has gained nothing.</summary>
    /// <param name="result">What training came to.</param>
    /// <param name="start">What was written where nothing was gained.</param>
    /// <param name="terminal">Where that is said.</param>
    public static int Verdict(TrainingResult result, string start, Terminal terminal)
    {
        if (!result.IsStart)
            return ExitCodes.Done;
        terminal.Say($"No gain: {(result.History.Count == 0 ? "there was no time for a step" : "no epoch was better than the start")}; {start} was written as it is.");
        return ExitCodes.NoGain;
    }

    /// <summary>Tells what training came to.</summary>
    public static void Print(TrainReport report, TrainRequest request, Terminal terminal)
    {
        if (request.Report is { } page)
            OutputFile.WriteText(page, writer => TrainHtml.Write(report, writer));
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            TrainingTables.Print(report, new(terminal));
    }

    /// <summary>Refuses what cannot be meant, before anything is loaded.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public static void Check(TrainRequest request)
    {
        OutputPath.Check(request.Output, request.Force, request.Model);
        if (request.Settings.Checkpoint is { } checkpoint && (OutputPath.AreSame(checkpoint, request.Model) || OutputPath.AreSame(checkpoint, request.Output)))
            throw new UsageException($"--checkpoint '{checkpoint}' is the model. Give another name.");
        if (request.Settings.Checkpoint is { } written)
            OutputPath.Check(written, force: false);
        if (request.Report is { } report)
        {
            if (new[] { request.Model, request.Output, request.Settings.Checkpoint }.OfType<string>().FirstOrDefault(other => OutputPath.AreSame(report, other)) is not null)
                throw new UsageException($"--report '{report}' is the model, or a file that is written for another purpose. Give another name.");
            OutputPath.Check(report, force: false);
        }
        string[] problems = [.. request.Settings.Problems()];
        if (problems.Length > 0)
            throw new UsageException(string.Join(" ", problems));
    }

    /// <summary>Training data, and those epochs are judged on.</summary>
    public static TrainingJob Job(CheckedModel input, TrainingSettings settings, DataRequest request, Terminal terminal)
    {
        OpenedData data = input.Data ?? throw new UsageException("Training needs data: name them with --data.");
        OpenedData judged = request.HasPart(data, "validation") ? request.Open(input.Model, "validation", terminal)! : data;
        (IDataSet samples, IDataSet held) = ReferenceEquals(judged, data) ? data.DataSet.Split(1 - HeldOut, settings.Seed) : (data.DataSet, judged.DataSet);
        return new(input.Model, samples, settings) { Validation = held, Metric = request.LabelMetric(judged), Symbols = data.Symbols() };
    }
}
