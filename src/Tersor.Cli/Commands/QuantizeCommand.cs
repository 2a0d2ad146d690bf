using System.CommandLine;
using System.IO.Enumeration;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Pipeline.Training;
using Tersor.Reporting;
using Tersor.Reporting.Html;
using Tersor.Reporting.Quantization;
using Tersor.Reporting.Training;
using Tersor.Runtime;

namespace Tersor.Cli.Commands;

/// <summary>What <c>tersor quantize</c> was asked to do.</summary>
internal sealed record QuantizeRequest(string Model, string Output)
{
    public QuantizeSettings Settings { get; init; } = new();

    /// <summary>How the quantized model is trained; null: not at all.</summary>
    public TrainingSettings? Training { get; init; }

    public DataRequest Data { get; init; } = DataRequest.None;

    public FixDimensionsOptions Sizes { get; init; } = new();

    /// <summary>Rounds of the latency measurement; 0 leaves it out.</summary>
    public int Rounds { get; init; } = 20;

    public ModelReading Reading { get; init; } = new();

    public WriteOptions Writing { get; init; } = new();

    public bool Force { get; init; }

    /// <summary>Print the plan instead of writing a model.</summary>
    public bool DryRun { get; init; }

    /// <summary>Whether the plan is written beside the model.</summary>
    public bool WritePlan { get; init; } = true;

    /// <summary>Where calibration ranges are written; null: nowhere.</summary>
    public string? SaveRanges { get; init; }

    /// <summary>Where the HTML report is written; null: nowhere.</summary>
    public string? Report { get; init; }

    public bool Json { get; init; }
}

/// <summary><c>tersor quantize</c>: weights and activations as 8-bit integers.</summary>
internal static class QuantizeCommand
{
    /// <summary>Bytes beyond which a model is neither optimized nor measured: both would write it to disk several times.</summary>
    private const long Large = 1L << 30;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> output = CommonOptions.Output();
        DataOptions data = new(required: false);
        QuantizationOptions quantization = new();
        QuantizationTrainingOptions training = new();
        Option<bool> dryRun = new("--dry-run") { Description = "Measure and decide, print the plan, and write no model." };
        Option<bool> noPlan = new("--no-plan") { Description = "Do not write what was measured and decided beside the model (int8.plan.json beside int8.onnx)." };
        Option<string?> saveRanges = new("--save-ranges") { HelpName = "file", Description = "Write the calibration ranges to a file, for --use-ranges." };
        Option<string?> report = CommonOptions.Report();
        Option<Dictionary<string, long>> dimensions = PairOptions.Dimensions("Fix an open dimension of the inputs, by its name. The result takes this size only.");
        Option<Dictionary<string, long[]>> shapes = PairOptions.Shapes("Fix the whole shape of an input, by its name. The result takes this shape only.");
        Option<bool> asIs = new("--no-optimize") { Description = "Do not rewrite the graph first." };
        Option<int> rounds = CommonOptions.Number("--rounds", "Rounds of the latency measurement before and after; 0 leaves it out.", new QuantizeRequest("", "").Rounds, 0);
        Option<ExternalDataMode> externalData = CommonOptions.ExternalData();
        Option<bool> force = CommonOptions.Force(), json = CommonOptions.Json();
        ReadingOptions reading = new();
        Command command = new("quantize", "Store weights, and where it pays compute, as 8-bit integers.") { model, output };
        data.AddTo(command);
        quantization.AddTo(command);
        training.AddTo(command);
        foreach (Option option in (Option[])[dryRun, noPlan, saveRanges, report, dimensions, shapes, asIs, rounds, externalData, force, .. reading.All, json])
            command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Execute(Request(parsed), terminal, cancellation)));
        return command.WithHelp(
            "With data: static quantization. Ranges of activations are learned from the part 'calibration' of the data; what runs in 8 bits is searched by measuring on this machine,\n"
            + "and the fastest model is taken that keeps within the limits: --max-drop of the metric, or without labels a mean cosine of every output of 0.99 (--min-cosine, --min-agreement, --min-sqnr).\n"
            + "The whole model is judged, weights that are only stored small included, on the part 'validation' (or on calibration samples that nothing was learned from), with as many samples as that\n"
            + "needs. Where nothing keeps within the limits, the input model is written and the exit code is 3 (no gain). Test data are never read.\n"
            + "What was measured and decided is written beside the model, int8.plan.json beside int8.onnx: --plan makes the same model from it.\n"
            + "With --train nothing is searched for: the fastest placement is trained, on the part 'train' where the data have one, until it answers like the float model, with weights of 2 bits and more.\n"
            + "Without data: dynamic quantization of MatMul, Gemm and LSTM, whose ranges are found at run time.",
            "tersor quantize model.onnx -o int8.onnx --data data.yaml", "tersor quantize model.onnx -o int8.onnx --data images/ --metric top-1",
            "tersor quantize model.onnx -o int8.onnx --data data.yaml --max-drop 0.002 --report int8.html", "tersor quantize model.onnx -o int8.onnx --data data.yaml --plan int8.plan.json",
            "tersor quantize model.onnx -o int4.onnx --data data.yaml --train --weight-bits 4", "tersor quantize model.onnx -o int8.onnx --mode dynamic", "tersor quantize model.onnx -o small.onnx --mode weights");

        QuantizeRequest Request(ParseResult parsed)
        {
            DataRequest given = data.Read(parsed);
            TrainingSettings? trained = training.Read(parsed, quantization.Seed(parsed), quantization.Threads(parsed), quantization.ForSearchOnly(parsed));
            if (trained is null)
                quantization.RequireRead(parsed, given.Spec is not null, saveRanges);
            return new(parsed.GetRequiredValue(model), parsed.GetRequiredValue(output))
            {
                Settings = quantization.Read(parsed) with { Optimize = !parsed.GetValue(asIs) },
                Training = trained,
                DryRun = parsed.GetValue(dryRun),
                WritePlan = !parsed.GetValue(noPlan),
                SaveRanges = parsed.GetValue(saveRanges),
                Report = parsed.GetValue(report),
                Data = given,
                Sizes = new() { Dimensions = parsed.GetValue(dimensions)!, Shapes = parsed.GetValue(shapes)! },
                Rounds = parsed.GetValue(rounds),
                Reading = reading.Read(parsed),
                Writing = new() { ExternalData = parsed.GetValue(externalData) },
                Force = parsed.GetValue(force),
                Json = parsed.GetValue(json),
            };
        }
    }

    public static int Execute(QuantizeRequest request, Terminal terminal, CancellationToken cancellation)
    {
        CheckPaths(request);
        string[] problems = [.. request.Settings.Problems()];
        if (problems.Length > 0)
            throw new UsageException(string.Join(" ", problems));
        if (request.Settings.Mode == QuantizationMode.Static && request.Data.Spec is null && request.Settings.Plan is null)
            throw new UsageException("Static quantization needs calibration data: give some with --data, or choose --mode dynamic.");
        if (request.Data.Spec is null && (request.Settings.Budget != new Budget() || request.Data.Metrics.Length > 0))
            throw new UsageException("Without data nothing can be judged, so that no limit of accuracy can be kept (--max-drop, --min-cosine, --min-agreement, --min-sqnr, --metric): give data with --data, or leave them out.");
        if (request.Settings.KnownRanges is not null && (request.Settings.Plan is not null || request.Settings.Mode is QuantizationMode.Dynamic or QuantizationMode.Weights || request.Data.Spec is null))
            throw new UsageException("--use-ranges is for static quantization from data; a plan holds its own ranges, and the other modes need none.");
        if (request.Training is not null && (request.Settings.Mode is QuantizationMode.Dynamic or QuantizationMode.Weights || request.Data.Spec is null || request.DryRun || !request.WritePlan || request.SaveRanges is not null))
            throw new UsageException("--train is for static quantization with data and makes no plan; it cannot be combined with --dry-run, --no-plan, --save-ranges or another --mode.");
        ITraining? trainer = request.Training is null ? null : TrainingPackage.Load();
        using CheckedModel input = CheckedModel.Load(request.Model, request.Reading, request.Data, request.Sizes, terminal, cancellation, needs: Needed.ToLoad);
        OverridableWeights.Note(request.Model, input.Model, terminal);
        SameDraws.Note(terminal, input.Model);
        foreach (string pattern in request.Settings.KeepFloat.Where(p => !input.Model.AllNodes().Any(n => FileSystemName.MatchesSimpleExpression(p, n.Name, ignoreCase: false))))
            terminal.Say($"Warning: --keep-float '{pattern}' names no node; 'tersor inspect {request.Model} --layers' lists them.");
        Note(request, input, terminal);
        (QuantizeResult result, IReadOnlyList<LossPoint> curve) = Quantize(request, input, trainer, terminal, cancellation);
        if (request.SaveRanges is { } rangeFile)
            Side(result, rangeFile, plan => CalibrationRanges.Of(plan).Save(rangeFile), "--save-ranges", terminal);
        if (request.DryRun)
        {
            if (result.Plan is { } decided)
                terminal.Out.WriteLine(decided.ToJson());
            else
                terminal.Say("There is no plan: nothing that was measured decided.");
            return ExitCodes.Done;
        }
        BenchmarkReport? latency = result.NoGain is null ? MeasureLatency(request, input, result.Model, terminal, cancellation) : null;
        result = result with { NoGain = NoGain(result, latency, input) };
        // Whoever asked for a file gets one that works.
        if (result.NoGain is null)
            Save(request, input, result, cancellation);
        else
            input.SaveUnchanged(request.Output, request.Writing, cancellation);
        long after = CheckedModel.FileBytes(request.Output, Model.Load(request.Output, request.Reading));
        QuantizeReport report = QuantizeReport.Of(request.Model, request.Output, result, input.Bytes, after, latency) with { Training = TrainingCourse.Of(result.Training, curve) };
        if (request.Report is { } page)
            OutputFile.WriteText(page, writer => QuantizeHtml.Write(WithContext(report), writer));
        if (request.Json)
            ReportJson.Write(report, terminal.Out);
        else
            QuantizationTables.Print(report, new(terminal));
        if (result.Verdict is { IsUnsure: true } unsure)
            terminal.Say($"Warning: {Units.Count(unsure.Samples, "sample")} cannot tell whether the result keeps within the limit: {unsure.Reason}. It is as close as can be told; {(unsure.Unseen > 0 ? $"the time was over before {Units.Count(unsure.Unseen, "more sample")} could be looked at, so allow more (--time)" : "more samples would tell")}.");
        if (request is { WritePlan: true, Training: null, Data.Spec: not null, Settings.Mode: QuantizationMode.Auto or QuantizationMode.Static } && result.Plan is null)
            terminal.Say($"Note: no plan was written: plans hold static quantization. {(result.NoGain is null ? $"'--mode {result.Mode.ToString().ToLowerInvariant()}' on the same data and within the same limits makes this result again." : "What was tried is in the table and in --report.")}");
        if (result.NoGain is not { } reason)
            return ExitCodes.Done;
        terminal.Say($"No gain: {reason}. The input model was written to {request.Output} as it is.");
        return ExitCodes.NoGain;
    }

    /// <summary>Says what would otherwise be taken for granted.</summary>
    private static void Note(QuantizeRequest request, CheckedModel input, Terminal terminal)
    {
        if (request.Settings.Plan is not null && request.Settings.Budget != new Budget())
            terminal.Say("Note: a plan is carried out as it is; limits of accuracy are not judged again.");
        else if (input.Data is { DataSet.Count: > 0 } data && request.Data.Metrics.Length == 0 && data.Metrics.Count == 0 && data.DataSet.Read(0).Labels.Count > 0)
            terminal.Say("Note: the data have labels, but nothing says what they are judged by; name it with --metric (top-1 for classes). Without, results are judged by how close they are to the float model.");
    }

    /// <summary>Why the result is not worth writing; null when it is. Written down as no gain only where both size and speed were measured and neither improved.</summary>
    private static string? NoGain(QuantizeResult result, BenchmarkReport? latency, CheckedModel input) => result.NoGain
        ?? (result.Report.Changes.Count == 0 && latency is not { Results: [_, { SpeedUp.Low: > QuantizeResult.Faster }] } ? NothingToQuantize(input.Model)
        : latency is null || result.WeightBytes < input.Bytes || latency.Results[1].SpeedUp is { Low: > 1 } ? null : "the result is neither smaller nor faster");

    private static string NothingToQuantize(Model model) =>
        model.AllNodes().Count(n => n.Is("DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger") || n.OpType is "DynamicQuantizeLSTM" or "MatMulNBits") is > 0 and var quantized
            ? $"no layer could be quantized: the model is quantized already, in {Units.Count(quantized, "node")}"
        : model.AllConstants().Any(c => c.Tensor is { Type: ElementType.Float64, Length: > 1 }) ? "no layer could be quantized: its weights are in double precision, for which the engine has no 8-bit form. Convert them to single precision first"
        : "no layer could be quantized; the reasons are in the table";

    /// <summary>Refuses files that would replace the model, each other, or what is written beside the result.</summary>
    private static void CheckPaths(QuantizeRequest request)
    {
        OutputPath.Check(request.Output, request.Force, request.Model);
        if (request is { DryRun: true, Report: not null })
            throw new UsageException("--report is about a model that was written, and --dry-run writes none; leave one of them out.");
        List<string> taken = [request.Model, request.Output, PlanPath(request), SessionOptionFile.PathFor(request.Output)];
        if (request.Training?.Checkpoint is { } checkpoint)
        {
            // It may be there already: that is what it is for.
            if (taken.Exists(other => OutputPath.AreSame(checkpoint, other)))
                throw new UsageException($"--checkpoint '{checkpoint}' is the model, or a file that is written for another purpose. Give another name.");
            OutputPath.Check(checkpoint, force: false);
            taken.Add(checkpoint);
        }
        // Found out now, not when the search is over.
        if (!request.DryRun && request.Settings.Mode is not (QuantizationMode.Dynamic or QuantizationMode.Weights) && request.Data.Spec is not null)
        {
            OutputPath.Check(SessionOptionFile.PathFor(request.Output), force: true);
            if (request is { WritePlan: true, Training: null })
                OutputPath.Check(PlanPath(request), force: true);
        }
        foreach ((string option, string? path) in new[] { ("--save-ranges", request.SaveRanges), ("--report", request.Report) })
        {
            if (path is null)
                continue;
            if (taken.Exists(other => OutputPath.AreSame(path, other)))
                throw new UsageException($"{option} '{path}' is the model, or a file that is written for another purpose. Give another name.");
            OutputPath.Check(path, force: false);
            taken.Add(path);
        }
    }

    private static string PlanPath(QuantizeRequest request) => Path.ChangeExtension(request.Output, ".plan.json");

    /// <summary>What the page says beside what was found.</summary>
    private static QuantizeReport WithContext(QuantizeReport report) => report with { Date = DateTimeOffset.UtcNow };

    private static (QuantizeResult Result, IReadOnlyList<LossPoint> Curve) Quantize(QuantizeRequest request, CheckedModel input, ITraining? trainer, Terminal terminal, CancellationToken cancellation)
    {
        Model model = Prepare(request, input, terminal, cancellation);
        OpenedData? selection = input.Data is { } data && request.Data.HasPart(data, "validation") ? request.Data.Open(input.Model, "validation", terminal) : null;
        QuantizeSettings settings = request.Settings with { Optimize = request.Settings.Optimize && input.Bytes <= Large, Budget = request.Data.Limiting(request.Settings.Budget) };
        Progress progress = new(terminal, "quantizing", request.Settings.TimeLimit);
        using TrainingView view = new(progress);
        QuantizationTraining? training = trainer is null ? null : Training(request, input, trainer, selection, view, terminal);
        QuantizeJob job = new(settings) { Optimizer = new() { Samples = input.Samples, Runner = input.Runner }, Training = training };
        return (job.Run(model, input.Data?.DataSet, selection?.DataSet, Metric(request.Data, selection ?? input.Data), progress, cancellation), view.Curve);
    }

    private static Func<IMetric>? Metric(DataRequest request, OpenedData? judged) => judged is null ? null : request.LabelMetric(judged);

    /// <summary>What trains, on the part 'train' of the data where they have one.</summary>
    private static QuantizationTraining Training(QuantizeRequest request, CheckedModel input, ITraining trainer, OpenedData? validation, IProgress<TrainingProgress> progress, Terminal terminal)
    {
        OpenedData data = request.Data.HasPart(input.Data!, "train") ? request.Data.Open(input.Model, "train", terminal)! : input.Data!;
        ITraining bounded = request.Settings.TimeLimit is { } limit ? new BoundedTraining(trainer, limit) : trainer;
        return new(bounded, request.Training!, data.DataSet) { Validation = validation?.DataSet, Metric = Metric(request.Data, validation), Symbols = data.Symbols(), Progress = progress };
    }

    /// <summary>The model last: what lies beside it is there when it appears.</summary>
    private static void Save(QuantizeRequest request, CheckedModel input, QuantizeResult result, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(request.Output))!); // as writing the model does
        if (request.WritePlan && result.Plan is { } plan)
            plan.Save(PlanPath(request));
        SessionOptionFile.Write(request.Output, result.Model);
        input.Save(result.Model, request.Output, request.Writing, cancellation);
    }

    private static void Side(QuantizeResult result, string path, Action<QuantizationPlan> save, string option, Terminal terminal)
    {
        if (result.Plan is { } plan)
            save(plan);
        else
            terminal.Say($"Warning: {option} wrote nothing to {path}, since no ranges were observed.");
    }

    /// <summary>Both models on the same sample; null where it was not asked for or the model would have to be written twice at great cost.</summary>
    private static BenchmarkReport? MeasureLatency(QuantizeRequest request, CheckedModel input, Model result, Terminal terminal, CancellationToken cancellation)
    {
        if (request.Rounds == 0 || input.RanOn is null || input.Bytes > Large)
            return null;
        using ScratchFolder folder = new();
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
        if (request.Sizes.IsEmpty)
            return input.Model;
        // Sizes only: the job rewrites the graph itself, for the engine.
        GraphOptimizerOptions options = new() { FixDimensions = request.Sizes, Samples = input.Samples, Runner = input.Runner, Without = [.. PassCatalog.Entries.Select(e => e.Name)] };
        return new GraphOptimizer(options).Run(input.Model, cancellation).Model;
    }
}
