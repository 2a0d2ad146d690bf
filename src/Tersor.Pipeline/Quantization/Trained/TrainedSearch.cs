using Tersor.Compression;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Quantizes by training: the fastest placement as it is measured, or everything where speed does not matter; then training through its rounding, instead of a search for layers to spare.</summary>
/// <param name="settings">Numbers, budget and effort.</param>
/// <param name="inputs">What it works on.</param>
/// <param name="training">What trains, on what.</param>
internal sealed class TrainedSearch(QuantizeSettings settings, SearchInputs inputs, QuantizationTraining training)
{
    private readonly SessionSettings session = new() { Threads = settings.Threads };

    /// <summary>The trained model, and the one training started from: it is a candidate like any other.</summary>
    /// <exception cref="CompressionException">There is no layer to quantize.</exception>
    public IReadOnlyList<Trial> Run(IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        CalibratedModel calibrated = inputs.Calibrated!.Value;
        Sample sample = inputs.Samples.Calibrating.Read(0);
        QuantizationNumbers numbers = new()
        {
            Format = settings.Format ?? EngineRules.For(settings.Target).Format,
            Ranges = RangeSelection.Given(settings, calibrated) ?? RangeSelection.By(settings.Ranges ?? RangeSelection.Default, calibrated),
            StandardOperatorsOnly = settings.StandardOperatorsOnly,
        };
        QuantizationPlacement placement = Placement(calibrated, numbers, sample, progress, cancellation);
        Model start = calibrated.Build(placement, numbers, out PassReport report);
        TrainingResult trained = training.Trainer.Train(new(start, training.Data, training.Settings)
        {
            Validation = training.Validation,
            Metric = training.Validation is null ? null : training.Metric,
            Symbols = training.Symbols,
            Teachers = [inputs.Original],
            Distillation = training.Distillation,
            Latent = Latent(calibrated.Model, start),
        }, training.Progress, cancellation);
        progress?.Report(new("judging", 0));
        int floatLayers = calibrated.Everything.Units.Count(u => u.IsLayer) - placement.Units.Count(u => u.IsLayer);
        return [Trial("trained", trained.Model) with { Training = trained }, Trial("before training", start)];

        Trial Trial(string name, Model model) => new TrialBuilder(inputs).Build(name, QuantizationMode.Static, (keepFloat, stop) =>
        {
            Model copy = model.Clone();
            PassReport own = new();
            foreach (PassChange change in report.Changes)
                own.Changed(change.Subject, change.What);
            foreach (PassSkip skip in report.Skipped)
                own.Skip(skip.Subject, skip.Reason);
            inputs.StoreWeights(copy, own, keepFloat, stop);
            return (copy, own);
        }, cancellation) with
        { FloatLayers = floatLayers, Layout = "the placement that is trained" };
    }

    private QuantizationPlacement Placement(CalibratedModel calibrated, QuantizationNumbers numbers, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (calibrated.Everything.Units.Count == 0)
            throw new CompressionException("There is no layer to quantize.") { Pass = "quantize" };
        if (!settings.RequireSpeed)
            return calibrated.Everything;
        // Another run would measure other times, and a checkpoint belongs to one placement: it lies beside it.
        string? kept = training.Settings.Checkpoint is { } checkpoint ? $"{checkpoint}.placement" : null;
        if (kept is not null && File.Exists(kept))
        {
            HashSet<string> keys = [.. File.ReadAllLines(kept)];
            QuantizationPlacement before = calibrated.Everything.Only(u => keys.Contains(u.Key));
            if (keys.Count > 0 && before.Units.Count == keys.Count)
                return before;
        }
        QuantizationPlacement fastest = Fastest(calibrated, numbers, sample, progress, cancellation);
        if (kept is not null)
        {
            OutputFile.WriteText(kept, text =>
            {
                foreach (string key in fastest.Units.Select(u => u.Key).Order(StringComparer.Ordinal))
                    text.WriteLine(key);
            });
        }
        return fastest;
    }

    private QuantizationPlacement Fastest(CalibratedModel calibrated, QuantizationNumbers numbers, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        // Few bits do not change what a kernel takes: they are 8 again as the engine loads the model.
        QuantizationNumbers timed = numbers with { Format = numbers.Format with { WeightBits = Math.Max(numbers.Format.WeightBits, 7) } };
        progress?.Report(new("timing layers", 0));
        IReadOnlyDictionary<string, UnitTime> times = UnitTimes.Measure(calibrated, timed, sample.Steps[0], session, cancellation);
        var found = new PlacementSearch(inputs.Original, calibrated, timed, sample, session, inputs.Time).Run(times, new StageProgress(progress, "placing"), cancellation);
        // Training learns ranges once and for all: products that find them at run time are static here.
        return found is [var fastest, ..] ? fastest.Candidate.Placement : calibrated.Everything;
    }

    /// <summary>The weights that integers were rounded from, by the name of the integers.</summary>
    private static Dictionary<string, Tensor> Latent(Model whole, Model quantized)
    {
        Dictionary<string, Node> layers = whole.AllNodes().Where(n => n.Is("Conv", "Gemm", "MatMul") && n.Input(1)?.Constant is not null)
            .GroupBy(n => n.Outputs[0]!.Name).Where(g => g.Count() == 1).ToDictionary(g => g.Key, g => g.Single()); // bodies may use a name again
        Dictionary<string, Tensor> latent = [];
        foreach (Node node in quantized.AllNodes().Where(n => n.Is("Conv", "Gemm", "MatMul")))
        {
            Value? integers = node.Input(1)?.Producer is { } dequantize && dequantize.Is("DequantizeLinear") ? dequantize.Input(0) : null;
            if (integers?.Producer is { } cast && cast.Is("Cast"))
                integers = cast.Input(0);
            if (integers?.Tensor is { } stored && layers.TryGetValue(node.Outputs[0]!.Name, out Node? layer) && layer.Inputs[1]!.Constant is { } weight && weight.Shape.SequenceEqual(stored.Shape))
                latent[integers.Name] = weight;
        }
        return latent;
    }
}
