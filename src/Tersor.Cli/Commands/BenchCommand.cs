using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression.GraphOptimization;
using Tersor.Reporting;
using Tersor.Runtime;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor bench</c> was asked to do.</summary>
internal sealed record BenchRequest(IReadOnlyList<string> Models)
{
    public DataRequest Data { get; init; } = DataRequest.None;

    public FixDimensionsOptions Sizes { get; init; } = new();

    public BenchmarkOptions Options { get; init; } = new();

    public ModelReading Reading { get; init; } = new();

    public bool Json { get; init; }
}

/// <summary><c>tersor bench</c>: latency, throughput, load time and memory of models, measured against each other.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        BenchmarkOptions defaults = new();
        Argument<string[]> models = new("models") { Description = "ONNX files to measure; ratios are taken against the first.", Arity = ArgumentArity.OneOrMore };
        DataOptions data = new(required: false);
        Option<Dictionary<string, long>> dimensions = PairOptions.Dimensions("Size of an open dimension of the first model's inputs, by its name.");
        Option<Dictionary<string, long[]>> shapes = PairOptions.Shapes("Shape of an input, by its name.");
        Option<int> rounds = CommonOptions.Rounds(defaults.Rounds);
        Option<int> seed = new("--seed") { Description = "Seed of the order within a round.", HelpName = "n", DefaultValueFactory = _ => defaults.Seed };
        Option<int> threads = CommonOptions.Threads();
        Option<bool> noMemory = new("--no-memory") { Description = "Do not measure peak memory." };
        Option<bool> json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("bench", "Measure latency, throughput, load time and memory of models against each other.") { models };
        data.AddTo(command, withMetrics: false);
        foreach (Option option in (Option[])[dimensions, shapes, rounds, seed, threads, noMemory, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(parsed.GetRequiredValue(models))
        {
            Data = data.Read(parsed),
            Sizes = new() { Dimensions = parsed.GetValue(dimensions)!, Shapes = parsed.GetValue(shapes)! },
            Options = new() { Rounds = parsed.GetValue(rounds), Seed = parsed.GetValue(seed), Session = new() { Threads = parsed.GetValue(threads) }, MeasureMemory = !parsed.GetValue(noMemory) },
            Reading = reading.Read(parsed),
            Json = parsed.GetValue(json),
        }, terminal, cancellation)));
        return command.WithHelp(
            "All models are fed the same input: the first sample of the data, or made-up numbers of the sizes given. They are measured in turn, round by round, in random\n"
            + "order, so that a machine that slows down slows all of them; the ratio is paired by round. Peak memory is that of a child process that loads and runs the model.",
            "tersor bench model.onnx", "tersor bench model.onnx int8.onnx --dim batch=1 --threads 4", "tersor bench model.onnx int8.onnx --data data.yaml --json");
    }

    public static int Execute(BenchRequest request, Terminal terminal, CancellationToken cancellation)
    {
        using CheckedModel first = CheckedModel.Load(request.Models[0], request.Reading, request.Data, request.Sizes, terminal, cancellation, part: "test", needs: Needed.ToRun);
        foreach (string path in request.Models.Skip(1))
            CheckedModel.LoadLike(first, path, request.Reading, terminal, cancellation).Dispose();
        BenchmarkReport report = Latency.Measure([.. request.Models.Select(path => (path, path))], first, request.Options, terminal, cancellation);
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            BenchmarkTables.Print(report, new(terminal));
        return ExitCodes.Done;
    }
}
