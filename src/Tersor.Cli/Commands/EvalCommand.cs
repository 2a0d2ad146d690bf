using System.CommandLine;
using System.Diagnostics;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Data;
using Tersor.Pipeline;
using Tersor.Pipeline.Evaluation;
using Tersor.Reporting;
using Tersor.Reporting.Evaluation;
using Tersor.Runtime;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor eval</c> was asked to do.</summary>
internal sealed record EvalRequest(string Model, DataRequest Data)
{
    public string? Reference { get; init; }

    public int? Limit { get; init; }

    public SessionSettings Session { get; init; } = new();

    public ModelReading Reading { get; init; } = new();

    public bool Json { get; init; }
}

/// <summary><c>tersor eval</c>: a model's figures of merit on a data set.</summary>
internal static class EvalCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        DataOptions data = new(required: true);
        Option<string?> reference = new("--reference") { Description = "ONNX file to compare outputs with, for metrics such as sqnr and top-1-agreement.", HelpName = "file" };
        Option<int?> limit = CommonOptions.Limit();
        Option<int> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("eval", "Measure a model's accuracy on a data set.") { model };
        data.AddTo(command);
        foreach (Option option in (Option[])[reference, limit, threads, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(parsed.GetRequiredValue(model), data.Read(parsed))
        {
            Reference = parsed.GetValue(reference),
            Limit = parsed.GetValue(limit),
            Session = new() { Threads = parsed.GetValue(threads) },
            Reading = reading.Read(parsed),
            Json = parsed.GetValue(json),
        }, terminal, cancellation)));
        return command.WithHelp(
            "Reads the part 'test' of the data unless another is named (data.yaml#validation), and prints the metrics its description names, or those given with --metric.",
            "tersor eval model.onnx --data data.yaml", "tersor eval int8.onnx --data data.yaml --reference model.onnx --metric top-1 --metric sqnr");
    }

    public static int Execute(EvalRequest request, Terminal terminal, CancellationToken cancellation)
    {
        using CheckedModel model = CheckedModel.Load(request.Model, request.Reading, request.Data, null, terminal, cancellation, part: "test", needs: Needed.ToRun);
        using CheckedModel? reference = request.Reference is { } path ? CheckedModel.Load(path, request.Reading, DataRequest.None, null, terminal, cancellation, needs: Needed.ToRun) : null;
        OpenedData data = model.Data!;
        if (data.Metrics.Count == 0)
            throw new UsageException($"The data name no metric; give one with --metric, such as {DataOptions.MetricNames[0]}.");
        if (request.Reference is null && data.CreateMetrics().FirstOrDefault(m => m.NeedsReference) is { } relative)
            throw new UsageException($"Metric '{relative.Name}' compares with a reference model; give one with --reference.");
        IDataSet samples = request.Limit is { } limit ? data.DataSet.Take(limit) : data.DataSet;
        ModelSource[] run = reference is null ? SameDraws.Of(terminal, model) : SameDraws.Of(terminal, model, reference);
        long start = Stopwatch.GetTimestamp();
        EvaluatedModel found;
        using (Progress progress = new(terminal))
            found = EvaluateJob.Run([run[0]], run.ElementAtOrDefault(1), samples, data.CreateMetrics, request.Session, null, progress, cancellation)[0];
        EvaluationReport report = new(request.Model, request.Reference, samples.Name, samples.Count, [.. found.Values, .. found.Strings], Stopwatch.GetElapsedTime(start).TotalSeconds) { LeftOut = found.LeftOut };
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            EvaluationTables.Print(report, new(terminal));
        return ExitCodes.Done;
    }
}
