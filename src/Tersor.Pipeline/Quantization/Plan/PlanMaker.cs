using Tersor.Compression.Quantization.Placement;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Writes down what a search measured and decided.</summary>
internal static class PlanMaker
{
    /// <summary>The plan that gives the chosen model again.</summary>
    public static QuantizationPlan Of(Trial chosen, StaticSearch search, QuantizeSettings settings, IReadOnlyDictionary<string, string> options)
    {
        StaticForm form = chosen.Static!;
        MachineInfo machine = MachineInfo.Here();
        HashSet<string> quantized = [.. form.Candidate.Placement.Units.Select(u => u.Key)], units = [.. form.Calibrated.Everything.Units.Select(u => u.Key)];
        Dictionary<string, double> noise = search.Ranking.ToDictionary(r => r.Units[0].Key, r => r.Noise);
        Dictionary<string, Onnx.Node> results = chosen.Model.AllNodes().Where(n => n.Output(0) is not null).GroupBy(n => n.Outputs[0]!.Name).ToDictionary(g => g.Key, g => g.First());
        ILookup<string, string> reasons = form.Candidate.Placement.Skipped.ToLookup(s => s.Subject, s => s.Reason);
        return new()
        {
            Model = form.Calibrated.Fingerprint,
            Plain = form.IsPlain,
            Target = settings.Target,
            Cpu = machine.Cpu,
            Engine = machine.Engine,
            Format = PlannedFormat.Of(form.Numbers.Format),
            Seed = settings.Seed,
            CalibrationSamples = settings.CalibrationSamples,
            Repairs = form.Repairs,
            StoredWeightBits = settings.StoredBits,
            SessionOptions = options,
            Layers = [.. form.Calibrated.Everything.Units.Select(Layer), .. chosen.Exact.Where(e => !units.Contains(e)).Order(StringComparer.Ordinal).Select(Exact)],
            Ranges = [.. form.Numbers.Ranges.Select(r => new PlannedRange(r.Key, r.Value.Low, r.Value.High, r.Value.Estimator))],
        };

        PlannedLayer Layer(QuantizationUnit unit)
        {
            LayerForm layer = quantized.Contains(unit.Key) ? form.Candidate.Dynamic.Contains(unit.Key) ? LayerForm.Dynamic : LayerForm.Static
                : unit.IsLayer && IsStored(unit) ? LayerForm.Stored : LayerForm.Float;
            UnitTime? time = search.Times.GetValueOrDefault(unit.Key);
            return new(unit.Key, unit.Name, unit.Rule.OpType, layer, time?.Float, layer == LayerForm.Dynamic ? time?.Dynamic ?? time?.Quantized : time?.Quantized, noise.TryGetValue(unit.Key, out double n) ? n : null, Reason(unit, layer));
        }

        // What is too small to be worth it stays as it is, whatever the settings say.
        bool IsStored(QuantizationUnit unit) => settings.StoreWeights && !chosen.Exact.Contains(unit.Key)
            && !(results.GetValueOrDefault(unit.Key) is { } node && unit.Anchor.Inputs.Select((input, i) => (input, i)).Where(p => p.input?.Constant is not null).All(p => node.Input(p.i)?.Constant is not null));

        // An operator without an 8-bit form whose weight is not stored small either.
        PlannedLayer Exact(string output)
        {
            Onnx.Node? node = form.Calibrated.Model.AllNodes().FirstOrDefault(n => n.Output(0)?.Name == output);
            return new(output, node?.Name ?? "", node?.OpType ?? "", LayerForm.Float, null, null, null, "stored in 8 bits, its weight would break the budget");
        }

        string Reason(QuantizationUnit unit, LayerForm layer) => layer switch
        {
            LayerForm.Static => "part of the fastest placement within the budget",
            LayerForm.Dynamic => "stands between float values: its input's range is found at run time",
            _ when reasons[unit.Anchor.ToString()].LastOrDefault() is { } reason => reason,
            _ => "the float operators beside it would need conversions that cost more than it saves",
        };
    }
}
