using System.Numerics.Tensors;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>What <see cref="AdaptiveRounding"/> did.</summary>
/// <param name="WeightScales">Scales of the weights, by the name of the layer's first output: one an output channel, or one. Rounding the model's weights to nearest under them gives the integers found.</param>
/// <param name="Errors">The same layers' expected relative error, ‖W x − Ŵ x‖² / ‖W x‖² over the sampled inputs, with rounding to nearest and in the end.</param>
/// <param name="Report">Every layer: changed, or left alone with the reason.</param>
public sealed record AdaptiveRoundingResult(IReadOnlyDictionary<string, float[]> WeightScales, IReadOnlyDictionary<string, (double Nearest, double Result)> Errors, PassReport Report);

/// <summary>Weight rounding, clipping and bias correction layer by layer, from unlabelled data: each layer's integers are chosen so that its output stays, on inputs sampled while the model runs.</summary>
/// <remarks>
/// The model stays float: its weights become scale · integer, its biases take up the mean of what is left. Sources: rounding as in <see cref="RoundingProblem"/>;
/// bias correction: Nagel et al. 2019, arXiv:1906.04721, section 4.2, with means of sampled inputs.
/// </remarks>
public static class AdaptiveRounding
{
    /// <summary>Bytes of a layer's second moments from which on they are collected before those of the next are made.</summary>
    private const long LargeMoments = 4L << 20;

    /// <summary>Rounds the layers of a model.</summary>
    /// <param name="model">Float. Its weights and biases are changed in place.</param>
    /// <param name="data">Unlabelled samples, such as the calibration set.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told the share of layers done, 0..1.</param>
    /// <param name="cancellation">Stops it; the model is then in an unspecified state and must be dropped.</param>
    /// <exception cref="RuntimeException">The model does not run on the data.</exception>
    public static AdaptiveRoundingResult Run(Model model, IDataSet data, AdaptiveRoundingOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        PassReport report = new();
        Dictionary<string, float[]> scales = [];
        Dictionary<string, (double, double)> errors = [];
        List<WeightRows> layers = [];
        foreach (Node node in model.AllNodes())
        {
            if (WeightRows.Of(node, out string? reason) is { } layer && (reason = Reason(layer, options)) is null)
                layers.Add(layer);
            else if (reason is not null)
                report.Skip(node.ToString(), reason);
        }
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = Math.Max(1, options.Threads), CancellationToken = cancellation };
        Model original = model.Clone(); // its weights stay float
        int done = 0;
        foreach (IReadOnlyList<WeightRows> part in Parts(layers, options))
        {
            PatchObserver seen = Observe(original, part, data, options, cancellation);
            PatchObserver? quantized = options.Quantize is null ? null : Observe(options.Quantize(model.Clone(), scales), part, data, options, cancellation);
            foreach (WeightRows layer in part)
            {
                cancellation.ThrowIfCancellationRequested();
                Round(layer, seen.Patches(layer.Key), quantized is null ? [] : quantized.Patches(layer.Key), options, parallel, scales, errors, report);
                progress?.Report((double)++done / layers.Count);
                // Large arrays wait for a full collection, which the runtime puts off: the moments of all layers would lie in memory at once.
                if ((long)layer.Inputs * layer.Inputs * sizeof(float) > LargeMoments)
                    GC.Collect();
            }
        }
        return new(scales, errors, report);
    }

    private static string? Reason(WeightRows layer, AdaptiveRoundingOptions options) =>
        WeightConstraints.Reason(layer.Layer.Weight) ?? options.KeepFloat(layer.Layer.Node)
        ?? (layer.Inputs > options.MaxInputs ? $"its patches have {layer.Inputs} elements, more than {options.MaxInputs}" : null)
        ?? (!layer.Layer.Node.Graph.IsMain ? "it stands in a nested body" : null);

    /// <summary>Layers whose patches are held at once: as many as the budget allows, and no more than a step's.</summary>
    private static IEnumerable<IReadOnlyList<WeightRows>> Parts(List<WeightRows> layers, AdaptiveRoundingOptions options)
    {
        int most = (layers.Count + options.Steps - 1) / Math.Max(1, options.Steps);
        List<WeightRows> part = [];
        long bytes = 0;
        foreach (WeightRows layer in layers)
        {
            long own = (options.Quantize is null ? 4L : 8L) * Rows(layer, options) * layer.Inputs * layer.Groups;
            if (part.Count > 0 && (part.Count >= most || bytes + own > options.PatchBudget))
            {
                yield return part;
                (part, bytes) = ([], 0);
            }
            part.Add(layer);
            bytes += own;
        }
        if (part.Count > 0)
            yield return part;
    }

    /// <summary>Small patches need fewer samples to know their moments.</summary>
    private static int Rows(WeightRows layer, AdaptiveRoundingOptions options) => Math.Min(options.Patches, Math.Max(256, 16 * layer.Inputs));

    private static PatchObserver Observe(Model model, IReadOnlyList<WeightRows> layers, IDataSet data, AdaptiveRoundingOptions options, CancellationToken cancellation)
    {
        Dictionary<string, Node> nodes = model.Graph.Nodes.Where(n => n.Output(0) is not null).ToDictionary(n => n.Outputs[0]!.Name);
        PatchObserver observer = new(
            [.. layers.Select(l => (l.Key, (nodes.GetValueOrDefault(l.Key) ?? throw new ArgumentException($"The quantized model has no node that makes '{l.Key}'.", nameof(model))).Inputs[0]!,
                new PatchGeometry(l.Layer.Node, l.Layer.Weight.Constant!.Shape.AsSpan()), l.Inputs * l.Groups, Rows(l, options)))],
            data.Count, options.Seed);
        Observer.Observe(model, data, [observer], options.Observer, cancellation: cancellation);
        return observer;
    }

    private static void Round(WeightRows layer, ReadOnlySpan<float> patches, ReadOnlySpan<float> quantizedPatches, AdaptiveRoundingOptions options, ParallelOptions parallel,
        Dictionary<string, float[]> table, Dictionary<string, (double, double)> errors, PassReport report)
    {
        string subject = layer.Layer.Node.ToString();
        if (patches.IsEmpty || !float.IsFinite(TensorPrimitives.MaxMagnitude(patches)) || !quantizedPatches.IsEmpty && !float.IsFinite(TensorPrimitives.MaxMagnitude(quantizedPatches)))
        {
            report.Skip(subject, patches.IsEmpty ? "no sample reached it" : "its input is not finite");
            return;
        }
        // A shape of its own in the quantized model, such as one dimension more, leaves the pairs without meaning.
        bool paired = quantizedPatches.Length == patches.Length;
        bool biased = options.CorrectBias && LayerBias.Obstacle(layer.Layer) is null, keepZeros = layer.Layer.Weight.Constraints.Count > 0;
        int stride = layer.Inputs * layer.Groups, rowsOfGroup = layer.Outputs / layer.Groups, size = rowsOfGroup * layer.Inputs;
        float[] values = layer.Read();
        LayerRounding[] groups = new LayerRounding[layer.Groups];
        for (int g = 0; g < groups.Length; g++)
        {
            float[] rows = values.AsSpan(g * size, size).ToArray();
            InputMoments inputs = new(patches, stride, g * layer.Inputs, layer.Inputs);
            groups[g] = new(rows, inputs, paired ? new(quantizedPatches, stride, g * layer.Inputs, layer.Inputs) : null, biased, options, parallel);
        }

        float[] targets = [.. groups.SelectMany(g => g.Targets)], importance = [];
        if (options.ClipWeights)
            importance = [.. groups.SelectMany(g => Enumerable.Repeat(g.Problem.SecondMoments.ToArray(), rowsOfGroup).SelectMany(m => m))];
        float[] scales = options.ClipWeights ? WeightClipping.Scales(targets, layer.Inputs, options.Limit, options.PerTensor, importance) : Full(targets, layer.Inputs, options);
        float[] result = new float[values.Length];
        double[] bias = new double[layer.Outputs];
        (double signal, double nearest, double left) = (0, 0, 0);
        for (int g = 0; g < groups.Length; g++)
        {
            float[] own = [.. Enumerable.Range(g * rowsOfGroup, rowsOfGroup).Select(r => scales[scales.Length == 1 ? 0 : r])];
            float[] rounded = groups[g].Solve(own, keepZeros, options, parallel, out double[] shift, out (double Signal, double Nearest, double Result) error);
            rounded.CopyTo(result, g * size);
            shift.CopyTo(bias, g * rowsOfGroup);
            (signal, nearest, left) = (signal + error.Signal, nearest + error.Nearest, left + error.Result);
        }
        layer.Store(result);
        if (biased)
            LayerBias.Add(layer.Layer, bias);
        table[layer.Key] = scales;
        errors[layer.Key] = signal > 0 ? (nearest / signal, left / signal) : (0, 0);
        report.Changed(subject, $"relative error {errors[layer.Key].Item1:G3} → {errors[layer.Key].Item2:G3}{(biased || !options.CorrectBias ? "" : $"; bias not corrected: {LayerBias.Obstacle(layer.Layer)}")}");
    }

    /// <summary>Scales that clip nothing.</summary>
    private static float[] Full(float[] rows, int inputs, AdaptiveRoundingOptions options)
    {
        int length = options.PerTensor ? rows.Length : inputs;
        return [.. rows.Chunk(length).Select(row => MathF.Abs(TensorPrimitives.MaxMagnitude(row)) / options.Limit).Select(s => float.IsNormal(s) ? s : 1)];
    }
}
