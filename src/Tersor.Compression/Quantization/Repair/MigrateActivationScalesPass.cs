using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Moves the outliers of activation channels into the weights that read them: x / s and W · s, with s absorbed by the normalization or layer before.</summary>
/// <remarks>
/// s = max|X|^α / max|W|^(1−α) for each input channel, over all layers that read the activation. What the model computes stays.
/// Source: Xiao et al. 2022, arXiv:2211.10438, section 4, equation 4.
/// </remarks>
/// <param name="options">What it does.</param>
/// <param name="channelMaxima">Largest magnitude of each channel of an activation among <see cref="Activations"/>; null where it was not observed.</param>
public sealed class MigrateActivationScalesPass(MigrateActivationScalesOptions options, Func<Value, double[]?> channelMaxima) : Pass
{
    /// <summary>As in the paper's code: activations and weights this small count as this.</summary>
    private const double Least = 1e-5;

    /// <inheritdoc/>
    public override string Name => "migrate-activation-scales";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <summary>The activations to observe, with the axis of their channels counted from the end: what layers with constant weights read.</summary>
    public static IReadOnlyDictionary<Value, int> Activations(Model model, MigrateActivationScalesOptions options)
    {
        Dictionary<Value, int> axes = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach (LinearLayer layer in Layers(model, options, null))
            axes[layer.Data] = layer.ChannelAxis;
        return axes;
    }

    /// <inheritdoc/>
    public override IEnumerable<string> Problems(Model model, PassContext context)
    {
        if (!(options.Alpha is >= 0 and <= 1))
            yield return $"Alpha is {options.Alpha}; expected 0..1.";
    }

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        HashSet<Value> grouped = new(ReferenceEqualityComparer.Instance);
        ScalingGroupFinder finder = new(options.WidenScalars ? FreeScales.Scalars : FreeScales.Vectors, new(context));
        foreach (LinearLayer layer in Layers(model, options, report).ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (grouped.Contains(layer.Data))
                continue;
            ScalingGroup? group = finder.Before(layer, out string? reason, out IReadOnlyCollection<Value> values);
            if (group is null || Scales(group, out reason) is not { } scales)
            {
                report.Skip(layer.Node.ToString(), reason!);
                continue;
            }
            grouped.UnionWith(values);
            group.Apply(scales);
            report.Changed(layer.Node.ToString(), $"input channels divided by {scales.Min():G3} to {scales.Max():G3}{(group.Sinks.Count > 1 ? $", as for {Plural.Of(group.Sinks.Count - 1, "other layer")}" : "")}");
        }
        return report;
    }

    private static IEnumerable<LinearLayer> Layers(Model model, MigrateActivationScalesOptions options, PassReport? report)
    {
        foreach (Node node in model.AllNodes())
        {
            if (!options.Convolutions && !node.Is("MatMul", "Gemm"))
                continue;
            if (LinearLayer.Of(node, out string? reason) is { } layer)
                yield return layer;
            else if (reason is not null)
                report?.Skip(node.ToString(), reason);
        }
    }

    private double[]? Scales(ScalingGroup group, out string? reason)
    {
        double[] activations = new double[group.Channels], weights = new double[group.Channels];
        foreach (LinearLayer sink in group.Sinks)
        {
            // Convolutions that share the activation scale along whether or not they are asked for.
            double[] inputs = new ChannelRanges(sink).Inputs();
            double[]? seen = channelMaxima(sink.Data);
            if (seen is not null && seen.Length != inputs.Length)
            {
                reason = $"its input was seen with {Plural.Of(seen.Length, "channel")}; expected {inputs.Length}";
                return null;
            }
            long block = sink.Inputs / group.Channels;
            for (int i = 0; i < inputs.Length; i++)
            {
                long c = i / block;
                weights[c] = Math.Max(weights[c], inputs[i]);
                activations[c] = Math.Max(activations[c], seen?[i] ?? 0);
            }
        }
        reason = activations.All(a => a == 0) ? "its input was not observed, or is zero" : activations.All(double.IsFinite) ? null : "its input is not finite";
        return reason is not null ? null
            : [.. activations.Zip(weights, (x, w) => w == 0 || x == 0 ? 1 : Math.Max(Math.Pow(Math.Max(x, Least), options.Alpha) / Math.Pow(Math.Max(w, Least), 1 - options.Alpha), Least))];
    }
}
