using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Pipeline.Evaluation;
using Tersor.Pipeline.Quantization;
using Tersor.Reporting;
using Tersor.Reporting.Evaluation;
using Tersor.Runtime;

namespace Tersor.Cli.Commands;

/// <summary><c>tersor demo</c>: the main job on a classifier that lies inside the program.</summary>
internal static class DemoCommand
{
    private static readonly string[] Names = ["float", "optimized", "int8"];

    public static Command Create(Terminal terminal)
    {
        Option<string?> output = new("--output", "-o") { Description = "Folder to keep the three models in.", HelpName = "folder" };
        Option<int> rounds = CommonOptions.Rounds(new BenchmarkOptions().Rounds);
        Option<int> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Command command = new("demo", "Optimize, quantize, evaluate and benchmark an embedded classifier.") { output, rounds, threads, json };
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(parsed.GetValue(output), parsed.GetValue(rounds), parsed.GetValue(threads), parsed.GetValue(json), terminal, cancellation)));
        return command.WithHelp(
            "A small convolutional network for Fashion-MNIST and a part of its pictures are inside the program, so this runs anywhere. Ranges are calibrated on 250 training\n"
            + "pictures, choices made on 250 others, and the accuracy is measured once, on 2,000 test pictures.",
            "tersor demo", "tersor demo --output models/");
    }

    public static int Execute(string? keep, int rounds, int threads, bool json, Terminal terminal, CancellationToken cancellation)
    {
        using ScratchFolder folder = new();
        DemoFiles.Extract(folder.Path);
        string[] files = [folder.At("fmnist_cnn.onnx"), folder.At("fmnist_cnn.optimized.onnx"), folder.At("fmnist_cnn.int8.onnx")];
        DataRequest data = new(folder.At("demo.yaml"), null, []);
        SessionSettings session = new() { Threads = threads };

        using CheckedModel input = CheckedModel.Load(files[0], new(), data, null, terminal, cancellation);
        terminal.Say("Optimizing the graph ...");
        OptimizationResult optimized = new GraphOptimizer(new() { Samples = input.Samples, Runner = input.Runner }).Run(input.Model, cancellation);
        input.Save(optimized.Model, files[1], new(), cancellation);

        terminal.Say("Quantizing ...");
        OpenedData validation = data.Open(input.Model, "validation", terminal)!;
        Model quantized;
        using (Progress progress = new(terminal))
            quantized = new QuantizeJob(new() { Threads = threads }).Run(optimized.Model, input.Data!.DataSet, validation.DataSet, validation.LabelMetric(), progress, cancellation).Model;
        input.Save(quantized, files[2], new(), cancellation);

        terminal.Say("Evaluating on test pictures ...");
        OpenedData test = data.Open(input.Model, "test", terminal)!;
        IReadOnlyList<EvaluatedModel> evaluated;
        using (Progress progress = new(terminal))
            evaluated = EvaluateJob.Run([.. files], null, test.DataSet, test.CreateMetrics, session, null, progress, cancellation);

        terminal.Say("Measuring latency ...");
        BenchmarkReport latency = Latency.Measure([.. Names.Zip(files)], input, new() { Rounds = rounds, Session = session }, terminal, cancellation);
        if (keep is not null)
            Keep(files, keep);
        DemoReport report = new(keep, test.DataSet.Count, [.. Names.Zip(evaluated, (name, model) => new ComparedModel(name, new FileInfo(model.Model).Length, model.Values))], latency);
        if (json)
            ReportJson.Write(report, terminal.Out);
        else
            Print(report, new(terminal));
        return ExitCodes.Done;
    }

    private static void Keep(string[] files, string folder)
    {
        foreach (string file in files)
            OutputFile.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }

    private static void Print(DemoReport report, Printer printer)
    {
        MetricValue accuracy = report.Models[0].Metrics[0];
        printer.Table(["model", "size>", $"{accuracy.Metric}>", "latency>", "speed-up>", "95 % interval>"], report.Models.Zip(report.Latency.Results).Select((pair, i) => new[]
        {
            pair.First.Model, Units.Bytes(pair.First.Bytes), EvaluationTables.Value(pair.First.Metrics[0]), BenchmarkTables.Milliseconds(pair.Second.Latency.Median),
            BenchmarkTables.SpeedUp(pair.Second, i), i == 0 ? "-" : BenchmarkTables.Interval(pair.Second.SpeedUp, "0.00"),
        }));
        printer.Line($"{accuracy.Metric} on {Units.Count(report.Samples)} test pictures of Fashion-MNIST; latency of one picture.");
        printer.Line(BenchmarkTables.Machine(report.Latency));
        if (report.Folder is { } folder)
            printer.Line($"The models are in {folder}.");
    }
}
