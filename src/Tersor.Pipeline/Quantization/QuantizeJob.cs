using System.IO.Enumeration;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Quantizes a model end to end: calibrates, measures what pays in 8 bits on this machine, and takes the fastest model within the budget.</summary>
/// <remarks>Whatever form a result has, static, dynamic, weights that are only stored small, it is judged whole, and one outside the budget is never the result.
/// Selection reads held-out samples only, never those a final evaluation reads. What is decided depends on measured times; the plan of a result gives the same bytes again.</remarks>
public sealed class QuantizeJob(QuantizeSettings settings)
{
    /// <summary>Samples that layers and ranges are ranked on, with labels and without.</summary>
    private const int NoiseSamples = 8, UnlabelledNoiseSamples = 16;

    /// <summary>How the model is rewritten for the engine first: sizes to fix, samples and runner to verify with. Level and passes are the job's.</summary>
    public GraphOptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Quantization-aware training instead of a search for layers to spare; null: none. Static quantization only.</summary>
    public QuantizationTraining? Training { get; init; }

    /// <summary>Runs the job.</summary>
    /// <param name="source">Float: a file, or a model in memory. Not modified.</param>
    /// <param name="calibration">Samples to learn ranges from and to judge by; null where there are none, so that nothing can be judged.</param>
    /// <param name="selection">Held-out samples to judge results on; null: whatever calibration does not need is held out, and a fifth of it at least; where that is too little for the metric, it is measured on the whole set.</param>
    /// <param name="metric">Makes the metric results are judged by; null where there are no labels. One that compares with a reference is a limit on closeness.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="CompressionException">The settings or the model do not allow it.</exception>
    public QuantizeResult Run(ModelSource source, IDataSet? calibration, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default)
    {
        string[] problems = [.. settings.Problems()];
        if (problems.Length > 0)
            throw Fail(string.Join(" ", problems));
        Model model = source.Load();
        // What draws random numbers draws the same in every candidate: how close they are is not for chance to say.
        if (RandomSeeds.Fix(model, out Model seeded) is { } seeds)
        {
            QuantizeResult result = Fixed(seeded, calibration, selection, metric, progress, cancellation);
            if (ReferenceEquals(result.Model, seeded))
                return result with { Model = model };
            seeds.Remove(result.Model);
            return result;
        }
        return Fixed(model, calibration, selection, metric, progress, cancellation);
    }

    /// <summary>The same, on a thread of the pool.</summary>
    /// <inheritdoc cref="Run"/>
    public Task<QuantizeResult> RunAsync(ModelSource source, IDataSet? calibration, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Run(source, calibration, selection, metric, progress, cancellation), cancellation);

    private QuantizeResult Fixed(Model model, IDataSet? calibration, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (WidenHalfPass.Applies(model))
        {
            model = model.Clone();
            new WidenHalfPass().Run(model, new() { Cancellation = cancellation });
        }
        IDataSet? data = calibration is { Count: > 0 } ? calibration : null;
        QuantizationMode mode = settings.Mode != QuantizationMode.Auto ? settings.Mode : data is null ? QuantizationMode.Dynamic : QuantizationMode.Static;
        if (Training is not null && (mode != QuantizationMode.Static || settings.Plan is not null))
            throw Fail("Quantization-aware training is for static quantization, and makes no model from a plan.");
        return settings.Plan is { } plan ? Conditioned(Replay(model, plan, data, selection, progress, cancellation), model, data, cancellation)
            : data is not null ? Searched(model, mode, data, selection, metric, progress, cancellation)
            : mode != QuantizationMode.Static ? Conditioned(Unjudged(model, mode, cancellation), model, null, cancellation)
            : throw Fail("Static quantization needs calibration data; give some, or choose dynamic quantization.");
    }

    private static CompressionException Fail(string message) => new(message) { Pass = "quantize" };

    /// <summary>A result there was nothing to choose about: it fulfils the conditions on size and speed, or the job fails.</summary>
    private QuantizeResult Conditioned(QuantizeResult result, Model model, IDataSet? data, CancellationToken cancellation)
    {
        if (settings.MaxBytes is { } most && result.WeightBytes > most)
            throw Fail($"The result has {Plural.Of(result.WeightBytes, "byte")} of weights; at most {most} are allowed (--max-size).");
        if (settings.MinSpeedUp is not { } least)
            return result;
        Sample sample = data is not null ? data.Read(0) : new("made up", [MadeUp(model)], new Dictionary<string, Tensor>());
        MedianInterval reached = SpeedCheck.Measure([model, result.Model], sample, new() { Threads = settings.Threads }, TimeLimit.None, null, cancellation)[1].SpeedUp;
        return reached.Low >= least ? result
            : throw Fail($"The result is {reached.Median:0.00} times as fast as the float model (at least {reached.Low:0.00}), and {least:0.##} were asked for (--min-speedup).");
    }

    /// <summary>Without data: nothing can be judged.</summary>
    private QuantizeResult Unjudged(Model model, QuantizationMode mode, CancellationToken cancellation)
    {
        OtherForms forms = Forms(Rewritten(model, Optimizer, cancellation));
        (Model made, PassReport report) = mode == QuantizationMode.Dynamic ? forms.Dynamic(_ => null, cancellation) : forms.Weights(_ => null, cancellation);
        return new(made, mode == QuantizationMode.Dynamic && !OtherForms.HasDynamic(made) ? QuantizationMode.Weights : mode, report, null, null, [], []);
    }

    private QuantizeResult Searched(Model model, QuantizationMode mode, IDataSet data, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        TimeLimit time = new(settings.TimeLimit);
        Budget budget = settings.Budget;
        if (metric?.Invoke() is { NeedsReference: true, Name: var name })
        {
            budget = budget.Limiting(name) ?? throw Fail($"'{name}' is no limit a result can be held to; cosine, sqnr and top-1-agreement are (--min-cosine, --min-sqnr, --min-agreement).");
            metric = null;
        }
        SampleSplit samples = SampleSplit.Of(data, selection, settings, settings.CalibrationSamples, metric is not null, Training is not null);
        SessionSettings session = new() { Threads = settings.Threads };
        using Judge judge = new(budget, model, samples.Judging, metric, session) { MayGoOn = () => !time.IsOver, IsHeldOut = samples.JudgesUnseen };
        Sample sample = samples.Calibrating.Read(0);
        Lazy<Model> rewritten = Rewritten(model, OptimizerFor(sample), cancellation);
        OtherForms forms = Forms(rewritten);
        int noiseSamples = Math.Max(settings.SensitivitySamples, metric is null ? UnlabelledNoiseSamples : NoiseSamples);
        SearchInputs inputs = new(model, rewritten, samples, new(() => new(model, samples.Held.Take(noiseSamples), session, cancellation)), judge, forms.StoreWeights, time);
        if (mode == QuantizationMode.Static)
            inputs = WithBases(inputs, model, sample, data.Feedback, progress, cancellation);
        QuantizationTraining? training = Training is { } given && ReferenceEquals(given.Data, data) ? given with { Data = samples.Learning } : Training;
        return new FormSearch(settings, inputs, forms, training).Run(mode, progress, cancellation);
    }

    /// <summary>The models that placements are searched on, calibrated when they are first asked for. Ranges that were found before belong to one of them.</summary>
    private SearchInputs WithBases(SearchInputs inputs, Model model, Sample sample, IReadOnlyDictionary<string, string> feedback, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        EngineRules rules = EngineRules.For(settings.Target);
        long opset = (settings.Format ?? rules.Format).RequiredOpset;
        Lazy<CalibratedModel> rewritten = new(() => Prepared(model, sample, feedback, rules, opset, plain: false, progress, cancellation)), plain = new(() => Prepared(model, sample, feedback, rules, opset, plain: true, progress, cancellation));
        if (settings.KnownRanges is { } known)
        {
            string found = rewritten.Value.Fingerprint;
            bool isPlain = known.Model != found;
            if (isPlain && known.Model != plain.Value.Fingerprint)
                throw Fail($"The calibration ranges given were found with another model, or with other options: their fingerprint is {known.Model}, that of this one {found}. Find them anew.");
            return inputs with { Calibrated = Calibrated(isPlain ? plain : rewritten), IsPlain = isPlain };
        }
        return inputs with { Calibrated = Calibrated(rewritten), Plain = settings.Optimize ? Calibrated(plain) : null };

        // Whoever says how ranges are chosen has them from the samples as they are.
        Lazy<CalibratedModel> Calibrated(Lazy<CalibratedModel> prepared) =>
            new(() => prepared.Value.Calibrate(settings.Ranges is null ? StressedSamples.AddedTo(inputs.Samples.Calibrating) : inputs.Samples.Calibrating, settings.Threads, new StageProgress(progress, "calibrating"), cancellation));
    }

    private QuantizeResult Replay(Model model, QuantizationPlan plan, IDataSet? data, IDataSet? selection, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        IDataSet? calibrating = data is null ? null : SampleSplit.Of(data, selection, settings with { Seed = plan.Seed }, plan.CalibrationSamples, labelled: false, trains: false).Calibrating;
        Sample sample = calibrating?.Read(0) ?? new("made up", [MadeUp(model)], new Dictionary<string, Tensor>());
        CalibratedModel prepared = Prepared(model, sample, data?.Feedback ?? new Dictionary<string, string>(), EngineRules.For(plan.Target), plan.Format.ToFormat().RequiredOpset, plan.Plain, progress, cancellation);
        return new PlanReplay(plan, settings).Run(prepared, calibrating, Forms(Rewritten(model, OptimizerFor(sample), cancellation)).StoreWeights, progress, cancellation);
    }

    private CalibratedModel Prepared(Model model, Sample sample, IReadOnlyDictionary<string, string> feedback, EngineRules rules, long opset, bool plain, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new("rewriting for the engine", 0));
        Model rewritten = !settings.Optimize ? model : plain ? PreparedModel.Folded(model, OptimizerFor(sample), cancellation) : PreparedModel.ForQuantization(model, OptimizerFor(sample), cancellation);
        return CalibratedModel.Uncalibrated(PreparedModel.Of(rewritten, opset), sample, feedback, rules, ByUser, cancellation);
    }

    private Lazy<Model> Rewritten(Model model, GraphOptimizerOptions options, CancellationToken cancellation) => new(() =>
    {
        Model rewritten = settings.Optimize ? PreparedModel.ForEngine(model, options, cancellation) : model;
        LargeConstants.MoveOut(rewritten);
        return rewritten;
    });

    private OtherForms Forms(Lazy<Model> rewritten) => new(settings, rewritten) { ByUser = ByUser };

    /// <summary>Input for a plan that is carried out without data.</summary>
    private IReadOnlyDictionary<string, Tensor> MadeUp(Model model) =>
        (Optimizer.Samples is [var given, ..] ? given : SampleInputs.Make(model, settings.Seed, new(First: 1, Others: 32))) is { } made && made.Values.All(v => v is RuntimeValue.Dense)
            ? made.ToDictionary(i => i.Key, i => ((RuntimeValue.Dense)i.Value).Tensor)
            : throw Fail("Input for this model cannot be made up; give calibration data with --data.");

    /// <summary>Verifies on a sample of the data where none was given: made-up input may not reach what the data reaches.</summary>
    private GraphOptimizerOptions OptimizerFor(Sample sample) =>
        Optimizer.Samples is not null ? Optimizer : Optimizer with { Samples = [sample.Steps[0].ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] };

    private string? ByUser(Node node) => settings.StandardOperatorsOnly && EngineRules.For(settings.Target).Find(node) is { Kind: RuleKind.RunTime } ? "only an operator of ONNX Runtime's own does it in 8 bits"
        : settings.KeepFloat.FirstOrDefault(pattern => FileSystemName.MatchesSimpleExpression(pattern, node.Name, ignoreCase: false)) is { } match ? $"kept float by '{match}'" : null;
}
