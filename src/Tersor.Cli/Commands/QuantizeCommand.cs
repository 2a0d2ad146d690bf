using System.CommandLine;
using System.IO.Enumeration;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Reporting;
using Tersor.Reporting.Quantization;
using Tersor.Runtime;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor quantize</c> was asked to do.</summary>
internal sealed record QuantizeRequest(string Model, string Output)
{
    public QuantizeSettings Settings { get; init; } = new();

    public DataRequest Data { get; init; } = DataRequest.None;

    public FixDimensionsOptions Sizes { get; init; } = new();

    public bool Optimize { get; init; } = true;

    /// <summary>Rounds of the latency measurement; 0 leaves it out.</summary>
    public int Rounds { get; init; } = 20;

    public ReadOptions Reading { get; init; } = new();

    public WriteOptions Writing { get; init; } = new();

    public bool Force { get; init; }

    public bool Json { get; init; }
}

/// <summary><c>tersor quantize</c>: weights and activations as 8-bit integers.</summary>
internal static class QuantizeCommand
{
    /// <summary>Bytes beyond which a model is neither optimized nor measured: both would write it to disk several times.</summary>
    private const long Large = 1L << 30;

    public static Command Create(Terminal terminal)
    {
        QuantizeSettings defaults = new();
        Argument<string> model = CommonOptions.Model();
        Option<string> output = CommonOptions.Output();
        DataOptions data = new(required: false);
        Option<QuantizationMode> mode = new("--mode") { Description = "Static needs calibration data, Dynamic (MatMul and Gemm only) and Weights (smaller, not faster) none; Auto is static where there are data.", DefaultValueFactory = _ => defaults.Mode };
        Option<RangeEstimator> ranges = RangeOption.Create();
        Option<int> calibration = Number("--calibration-samples", "Calibration samples used, at most.", defaults.CalibrationSamples, 1);
        Option<int> sensitivity = Number("--sensitivity-samples", "Samples on which each layer's share in the error is measured; 0 quantizes everything without asking.", defaults.SensitivitySamples, 0);
        Option<int> selection = Number("--selection-samples", "Held-out samples on which candidates are compared, at most.", defaults.SelectionSamples, 1);
        Option<double> maxDrop = new("--max-drop") { HelpName = "share", Validators = { result => CommonOptions.Range(result, "--max-drop", 0.0, 1.0) }, Description = "How much of the metric may be lost before layers go back to float: 0.005 is half a point of accuracy.", DefaultValueFactory = _ => defaults.MaxDrop };
        Option<double> minSqnr = new("--min-sqnr") { HelpName = "dB", Validators = { result => CommonOptions.Range(result, "--min-sqnr", -1000.0, 1000.0) }, Description = "Without labels: signal to noise of the outputs, in dB, below which layers go back to float.", DefaultValueFactory = _ => defaults.MinSqnr };
        Option<string[]> keepFloat = new("--keep-float") { Description = "Node that stays float, by name; * stands for any characters; may be given several times.", HelpName = "name", DefaultValueFactory = _ => [] };
        Option<bool> anySpeed = new("--allow-slower") { Description = "Keep static quantization where it turns out slower than float on this machine; otherwise weights are stored in 8 bits and computed with in float." };
        Option<bool> floatWeights = new("--no-stored-weights") { Description = "Leave weights float where their operator has no 8-bit form; otherwise they are stored in 8 bits and computed with in float." };
        Option<int> seed = new("--seed") { Description = "Draws the samples: the same seed draws the same.", HelpName = "n", DefaultValueFactory = _ => defaults.Seed };
        Option<Dictionary<string, long>> dimensions = PairOptions.Dimensions("Fix an open dimension of the inputs, by its name. The result takes this size only.");
        Option<Dictionary<string, long[]>> shapes = PairOptions.Shapes("Fix the whole shape of an input, by its name. The result takes this shape only.");
        Option<bool> asIs = new("--no-optimize") { Description = "Do not optimize the graph first." };
        Option<int> rounds = Number("--rounds", "Rounds of the latency measurement before and after; 0 leaves it out.", new QuantizeRequest("", "").Rounds, 0);
        Option<int> threads = CommonOptions.Threads();
        Option<ExternalDataMode> externalData = CommonOptions.ExternalData();
        Option<bool> force = CommonOptions.Force(), trustLinks = CommonOptions.TrustLinks(), json = CommonOptions.Json();
        Command command = new("quantize", "Store weights, and where it pays compute, as 8-bit integers.") { model, output };
        data.AddTo(command);
        foreach (Option option in new Option[] { mode, ranges, calibration, sensitivity, selection, maxDrop, minSqnr, keepFloat, anySpeed, floatWeights, seed, dimensions, shapes, asIs, rounds, threads, externalData, force, trustLinks, json })
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(new(parsed.GetRequiredValue(model), parsed.GetRequiredValue(output))
        {
            Settings = new()
            {
                Mode = parsed.GetValue(mode),
                Ranges = parsed.GetValue(ranges) ?? defaults.Ranges,
                CalibrationSamples = parsed.GetValue(calibration),
                SensitivitySamples = parsed.GetValue(sensitivity),
                SelectionSamples = parsed.GetValue(selection),
                MaxDrop = parsed.GetValue(maxDrop),
                MinSqnr = parsed.GetValue(minSqnr),
                KeepFloat = [.. parsed.GetValue(keepFloat)!],
                RequireSpeed = !parsed.GetValue(anySpeed),
                StoreWeights = !parsed.GetValue(floatWeights),
                Seed = parsed.GetValue(seed),
                Threads = parsed.GetValue(threads),
            },
            Data = data.Read(parsed),
            Sizes = new() { Dimensions = parsed.GetValue(dimensions)!, Shapes = parsed.GetValue(shapes)! },
            Optimize = !parsed.GetValue(asIs),
            Rounds = parsed.GetValue(rounds),
            Reading = new() { TrustLinks = parsed.GetValue(trustLinks) },
            Writing = new() { ExternalData = parsed.GetValue(externalData) },
            Force = parsed.GetValue(force),
            Json = parsed.GetValue(json),
        }, terminal, cancellation)));
        return command.WithHelp(
            "With data: static quantization. Ranges of activations are learned from the part 'calibration' of the data, layers are ranked by the error they cause, and as few\n"
            + "of them as the metric asks for stay float, judged on the part 'validation' (or a held-out fifth of the calibration part). Test data are never read.\n"
            + "Without data: dynamic quantization of MatMul and Gemm, whose ranges are found at run time.",
            "tersor quantize model.onnx -o int8.onnx --data data.yaml", "tersor quantize model.onnx -o int8.onnx --data images/ --metric top-1",
            "tersor quantize model.onnx -o int8.onnx --mode dynamic", "tersor quantize model.onnx -o small.onnx --mode weights");
    }

    public static int Execute(QuantizeRequest request, Terminal terminal, CancellationToken cancellation)
    {
        OutputPath.Check(request.Output, request.Force, request.Model);
        string[] problems = [.. request.Settings.Problems()];
        if (problems.Length > 0)
            throw new UsageException(string.Join(" ", problems));
        if (request.Settings.Mode == QuantizationMode.Static && request.Data.Spec is null)
            throw new UsageException("Static quantization needs calibration data: give some with --data, or choose --mode dynamic.");
        using CheckedModel input = CheckedModel.Load(request.Model, request.Reading, request.Data, request.Sizes, terminal, cancellation);
        foreach (string pattern in request.Settings.KeepFloat.Where(p => !input.Model.AllNodes().Any(n => FileSystemName.MatchesSimpleExpression(p, n.Name, ignoreCase: false))))
            terminal.Say($"Warning: --keep-float '{pattern}' names no node; 'tersor inspect {request.Model} --layers' lists them.");
        Model model = Prepare(request, input, terminal, cancellation);
        OpenedData? selection = input.Data is { } data && request.Data.HasPart(data, "validation") ? request.Data.Open(input.Model, "validation", terminal) : null;
        QuantizeResult result;
        using (Progress progress = new(terminal, "quantizing"))
            result = new QuantizeJob(request.Settings).Run(model, input.Data?.DataSet, selection?.DataSet, Metric(input.Data), progress, cancellation);
        bool quantized = result.Report.Changes.Count > 0;
        BenchmarkReport? latency = quantized ? MeasureLatency(request, input, result.Model, terminal, cancellation) : null;
        // Written down as no gain only where both were measured and neither improved.
        bool gain = quantized && (latency is null || IsSmaller(input, result.Model) || latency.Results[1].SpeedUp is { Low: > 1 });
        if (gain)
            input.Save(result.Model, request.Output, request.Writing, cancellation);
        long after = gain ? CheckedModel.FileBytes(request.Output, result.Model) : input.Bytes;
        QuantizeReport report = QuantizeReport.Of(request.Model, gain ? request.Output : null, result, input.Bytes, after, latency);
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            QuantizationTables.Print(report, new(terminal));
        if (gain)
            return ExitCodes.Done;
        terminal.Say(quantized ? "No gain: the result is neither smaller nor faster, and nothing was written." : "No gain: no layer could be quantized, and nothing was written.");
        return ExitCodes.NoGain;
    }

    private static bool IsSmaller(CheckedModel input, Model result) =>
        result.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Tensor).OfType<Tensor>().Distinct().Sum(t => t.ByteLength) < input.Bytes;

    /// <summary>Both models on the same sample; null where it was not asked for or the model would have to be written twice at great cost.</summary>
    private static BenchmarkReport? MeasureLatency(QuantizeRequest request, CheckedModel input, Model result, Terminal terminal, CancellationToken cancellation)
    {
        if (request.Rounds == 0 || input.RanOn is null || input.Bytes > Large)
            return null;
        using TemporaryFolder folder = new();
        string path = folder.At("quantized.onnx");
        input.Save(result, path, request.Writing, cancellation);
        return Latency.Measure([(request.Model, request.Model), ("quantized", path)], input,
            new() { Rounds = request.Rounds, Session = new() { Threads = request.Settings.Threads }, MeasureMemory = false }, terminal, cancellation);
    }

    private static Model Prepare(QuantizeRequest request, CheckedModel input, Terminal terminal, CancellationToken cancellation)
    {
        if (input.Bytes > Large && request.Sizes.IsEmpty)
        {
            terminal.Say($"{input.Path} has {Units.Bytes(input.Bytes)}: it is quantized as it is, without optimizing it first, and latency is not measured.");
            return input.Model;
        }
        if (!request.Optimize && request.Sizes.IsEmpty)
            return input.Model;
        GraphOptimizerOptions options = new() { FixDimensions = request.Sizes, Samples = input.Samples, Runner = input.Runner };
        if (!request.Optimize)
            options = options with { Without = [.. PassCatalog.Entries.Select(e => e.Name)] };
        using Progress progress = new(terminal, "optimizing the graph");
        return new GraphOptimizer(options).Run(input.Model, cancellation).Model;
    }

    /// <summary>The first declared metric that needs labels only.</summary>
    private static Func<IMetric>? Metric(OpenedData? data)
    {
        if (data is null)
            return null;
        int index = data.CreateMetrics().ToList().FindIndex(m => !m.NeedsReference);
        return index < 0 ? null : () => data.CreateMetrics()[index];
    }

    private static Option<int> Number(string name, string description, int value, int least) => new(name)
    {
        Description = description,
        HelpName = "n",
        DefaultValueFactory = _ => value,
        Validators = { result => CommonOptions.Range(result, name, least, int.MaxValue) },
    };
}
