using Tersor.Compression;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Makes the quantized model a plan describes: nothing is measured, and the same plan gives the same bytes.</summary>
/// <param name="plan">The plan, as it was made or edited.</param>
/// <param name="settings">Threads, operators allowed, stored weights.</param>
internal sealed class PlanReplay(QuantizationPlan plan, QuantizeSettings settings)
{
    /// <summary>Runs the plan.</summary>
    /// <param name="prepared">The model rewritten for the engine, with its types.</param>
    /// <param name="calibrating">The calibration samples; null where there are none and the plan needs none.</param>
    /// <param name="storeWeights">Stores weights small, except those of nodes it is given a reason for.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    public QuantizeResult Run(CalibratedModel prepared, IDataSet? calibrating, Action<Model, PassReport, Func<Node, string?>, CancellationToken> storeWeights,
        IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (ModelFingerprint.Of(prepared.Model) is var found && found != plan.Model)
            throw Fail($"The plan was made for another model, or with other options: its fingerprint is {plan.Model}, that of this one {found}. Repeat the options of the command that made it, --data, --dim and --input-shape among them, or make the plan anew.");
        if (plan.NeedsData && calibrating is null)
            throw Fail($"The plan names repairs that need the calibration data ({string.Join(", ", plan.Repairs.Where(QuantizationPlan.ReadsData))}); give them with --data, or make the plan anew without them (--repair).");
        CalibratedModel model = ModelRepairs.Apply(plan.Repairs.Where(ModelRepairs.Has), prepared, calibrating, cancellation);
        Dictionary<string, PlannedLayer> layers = plan.Layers.ToDictionary(l => l.Layer);
        HashSet<string> known = [.. model.Everything.Units.Select(u => u.Key)];
        if (layers.Values.FirstOrDefault(l => l.Form is LayerForm.Static or LayerForm.Dynamic && !known.Contains(l.Layer)) is { } unknown)
            throw Fail($"The plan wants '{unknown.Layer}' in 8 bits, but the model has no such layer, or the engine has no 8-bit form of it.");
        QuantizationPlacement placement = model.Everything.Only(u => layers.GetValueOrDefault(u.Key)?.Form is LayerForm.Static or LayerForm.Dynamic, u => layers.GetValueOrDefault(u.Key)?.Reason ?? "the plan does not name it");
        HashSet<string> dynamic = [.. layers.Values.Where(l => l.Form == LayerForm.Dynamic).Select(l => l.Layer)], possible = [.. placement.Isolated().Select(u => u.Key)];
        if (dynamic.FirstOrDefault(d => !possible.Contains(d)) is { } wrong)
            throw Fail($"The plan wants '{wrong}' quantized at run time, which is possible for a product with constant weights between float values only.");
        if (placement.Units.FirstOrDefault(u => u.Rule.Kind == RuleKind.RunTime && !dynamic.Contains(u.Key)) is { } recurrent)
            throw Fail($"The plan wants '{recurrent.Key}' ({recurrent.Rule.OpType}) under ranges from calibration; its 8-bit form is Dynamic.");
        QuantizationNumbers numbers = new()
        {
            Format = plan.Format.ToFormat(),
            Ranges = plan.Ranges.ToDictionary(r => r.Value, r => new ActivationRange(r.Low, r.High, r.Estimator)),
            Dynamic = dynamic,
            StandardOperatorsOnly = settings.StandardOperatorsOnly,
        };
        if (placement.Only(u => !dynamic.Contains(u.Key)).Activations().FirstOrDefault(v => !numbers.Ranges.ContainsKey(v.Name)) is { } missing)
            throw Fail($"The plan has no range for '{missing.Name}', which it needs in 8 bits.");
        string[] repairs = [.. plan.Repairs.Where(r => !ModelRepairs.Has(r))];
        if (repairs.Length > 0)
            numbers = WeightRepairs.Apply(repairs, model, placement, numbers, RepairSearch.RepairSamples(calibrating!), settings.Threads, new StageProgress(progress, "repairing"), cancellation);
        Model result = model.Build(placement, numbers, out PassReport report);
        storeWeights(result, report, n => n.Output(0) is { } output && layers.GetValueOrDefault(output.Name)?.Form == LayerForm.Float ? "the plan says float" : null, cancellation);
        CarriedOptions.Set(result, plan.SessionOptions);
        return new(result, QuantizationMode.Static, report, null, null, [], []) { Plan = plan };
    }

    private static CompressionException Fail(string message) => new(message) { Pass = "quantize" };
}
