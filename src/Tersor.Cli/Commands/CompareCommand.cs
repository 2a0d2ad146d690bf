using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline;
using Tersor.Pipeline.Evaluation;
using Tersor.Reporting;
using Tersor.Reporting.Evaluation;
using Tersor.Runtime;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor compare</c> was asked to do.</summary>
internal sealed record CompareRequest(string First, string Second)
{
    public DataRequest Data { get; init; } = DataRequest.None;

    public int? Limit { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>Rounds of the latency measurement.</summary>
    public int Rounds { get; init; } = 30;

    public SessionSettings Session { get; init; } = new();

    public ModelReading Reading { get; init; } = new();

    public bool Json { get; init; }
}

/// <summary><c>tersor compare</c>: two models side by side.</summary>
internal static class CompareCommand
{
    private const int MadeUpSamples = 8;

    /// <summary>How the second model's outputs are told apart from the first's.</summary>
    private static readonly string[] OutputMetrics = ["sqnr", "cosine", "mse"];

    public static Command Create(Terminal terminal)
    {
        Argument<string> first = CommonOptions.Model("ONNX file to compare with.", "first"), second = CommonOptions.Model("ONNX file to compare.", "second");
        DataOptions data = new(required: false);
        Option<int?> limit = CommonOptions.Limit();
        Option<int> seed = new("--seed") { Description = "Seed of made-up input, where no data are given.", HelpName = "n", DefaultValueFactory = _ => new CompareRequest("", "").Seed };
        Option<int> rounds = CommonOptions.Rounds(new CompareRequest("", "").Rounds);
        Option<int> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("compare", "Put two models side by side: outputs, accuracy, size, latency.") { first, second };
        data.AddTo(command);
        foreach (Option option in (Option[])[limit, seed, rounds, threads, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(parsed.GetRequiredValue(first), parsed.GetRequiredValue(second))
        {
            Data = data.Read(parsed),
            Limit = parsed.GetValue(limit),
            Seed = parsed.GetValue(seed),
            Rounds = parsed.GetValue(rounds),
            Session = new() { Threads = parsed.GetValue(threads) },
            Reading = reading.Read(parsed),
            Json = parsed.GetValue(json),
        }, terminal, cancellation)));
        return command.WithHelp(
            "With data: metrics of both models on the part 'test', and how far the second one's outputs are from the first one's. Without: outputs on made-up input.\n"
            + "Latency: both models interleaved in rounds, median and paired ratio with its 95 % confidence interval.",
            "tersor compare model.onnx int8.onnx --data data.yaml", "tersor compare model.onnx optimized.onnx");
    }

    public static int Execute(CompareRequest request, Terminal terminal, CancellationToken cancellation)
    {
        using CheckedModel first = CheckedModel.Load(request.First, request.Reading, request.Data, null, terminal, cancellation, part: "test", needs: Needed.ToRun);
        using CheckedModel second = CheckedModel.LoadLike(first, request.Second, request.Reading, terminal, cancellation);
        IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? fed = null;
        IDataSet data = first.Data?.DataSet ?? MadeUp(first, request.Seed, terminal, out fed);
        if (request.Limit is { } limit)
            data = data.Take(limit);
        IReadOnlyList<IMetric> labelled = Labelled(first.Data);
        ModelSource[] run = SameDraws.Of(terminal, first, second);
        IReadOnlyList<EvaluatedModel> models;
        using (Progress progress = new(terminal))
        {
            models = EvaluateJob.Run(run, run[0], data,
                () => [.. Labelled(first.Data), .. OutputMetrics.Select(name => MetricCatalog.Create(new(name, new Dictionary<string, string>())))], request.Session, fed, progress, cancellation);
        }
        BenchmarkReport latency = Latency.Measure([(request.First, request.First), (request.Second, request.Second)], first, new() { Session = request.Session, Seed = request.Seed, Rounds = request.Rounds }, terminal, cancellation);
        ComparisonReport report = new(data.Name, data.Count,
            [.. models.Zip([first, second], (m, file) => new ComparedModel(m.Model, file.Bytes, [.. m.Values.Take(labelled.Count)]))],
            [.. models[1].Values.Skip(labelled.Count), .. models[1].Strings], latency)
        {
            LeftOut = models[0].LeftOut,
        };
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            EvaluationTables.Print(report, new(terminal));
        return ExitCodes.Done;
    }

    private static IReadOnlyList<IMetric> Labelled(OpenedData? data) => data is null ? [] : [.. data.CreateMetrics().Where(m => !m.NeedsReference)];

    /// <summary>Made-up samples; what of them is no tensor comes out apart, by sample, or null where all is.</summary>
    private static InMemoryDataSet MadeUp(CheckedModel model, int seed, Terminal terminal, out IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? fed)
    {
        terminal.Say("Warning: no data are given; outputs are compared on made-up input, which says nothing about accuracy.");
        IReadOnlyDictionary<string, RuntimeValue>[] made = [.. Enumerable.Range(0, MadeUpSamples).Select(i => SampleInputs.Make(model.Model, seed + i, model.OpenSizes, model.Integers)!)];
        fed = made[0].Values.All(v => v is RuntimeValue.Dense) ? null : [.. made.Select(m => m.Where(v => v.Value is not RuntimeValue.Dense).ToDictionary())];
        return new("made-up input", [.. made.Select((m, i) =>
            new Sample($"made-up #{i}", [m.Where(v => v.Value is RuntimeValue.Dense).ToDictionary(pair => pair.Key, pair => ((RuntimeValue.Dense)pair.Value).Tensor)], new Dictionary<string, Tensor>()))]);
    }
}
