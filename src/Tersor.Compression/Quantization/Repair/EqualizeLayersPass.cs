using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Cross-layer equalization: moves a scale a channel from a layer to those that read it, so that all channels of a weight use the range of its integers.</summary>
/// <remarks>
/// s = √(r₁ / r₂) with r₁ and r₂ the largest magnitudes of the channel's weights on either side; W₁ / s, b₁ / s, W₂ · s. Repeated until nothing changes. What the model computes stays.
/// Source: Nagel et al. 2019, arXiv:1906.04721, section 4.1; joined there in pairs, here in groups, so that layers around a residual addition share their scales.
/// </remarks>
public sealed class EqualizeLayersPass(EqualizeLayersOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "equalize-layers";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        List<ScalingGroup> groups = [];
        HashSet<Value> grouped = new(ReferenceEqualityComparer.Instance);
        ScalingGroupFinder finder = new(FreeScales.None, new(context));
        foreach (Node node in model.AllNodes())
        {
            if (LinearLayer.Of(node, out string? reason) is not { } layer)
            {
                if (reason is not null)
                    report.Skip(node.ToString(), reason);
                continue;
            }
            if (grouped.Contains(layer.Output))
                continue;
            if (finder.Behind(layer, out reason, out IReadOnlyCollection<Value> values) is not { } group)
            {
                report.Skip(node.ToString(), reason!);
                continue;
            }
            grouped.UnionWith(values);
            groups.Add(group);
        }
        if (groups.Count > 0)
            Equalize(groups, report, context.Cancellation);
        return report;
    }

    private void Equalize(List<ScalingGroup> groups, PassReport report, CancellationToken cancellation)
    {
        Dictionary<Node, ChannelRanges> ranges = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        foreach (LinearLayer layer in groups.SelectMany(g => g.Sources.Concat(g.Sinks)))
        {
            if (!ranges.ContainsKey(layer.Node))
                ranges[layer.Node] = new(layer);
        }
        double[][] total = [.. groups.Select(g => Ones(g.Channels))];
        double change = double.PositiveInfinity;
        for (int round = 0; round < options.MaxRounds && change > options.Tolerance; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            change = 0;
            for (int i = 0; i < groups.Count; i++)
                change = Math.Max(change, Step(groups[i], ranges, total[i]));
        }
        foreach ((ScalingGroup group, double[] scales) in groups.Zip(total))
        {
            string subject = string.Join(", ", group.Sources.Select(s => s.Node.ToString()));
            if (scales.All(s => Math.Abs(s - 1) <= options.Tolerance))
            {
                report.Skip(subject, "its channels are equal already");
                continue;
            }
            group.Apply(scales);
            report.Changed(subject, $"channels divided by {scales.Min():G3} to {scales.Max():G3}, in favour of {string.Join(", ", group.Sinks.Select(s => s.Node.ToString()))}");
        }
    }

    /// <summary>One step for one group. Returns how far the farthest scale was from 1.</summary>
    private double Step(ScalingGroup group, Dictionary<Node, ChannelRanges> ranges, double[] total)
    {
        double[] before = Largest(group, group.Sources.Select(s => ranges[s.Node].Outputs()));
        double[] behind = Largest(group, group.Sinks.Select(s => Narrow(ranges[s.Node].Inputs(), total.Length)));
        double deadBefore = before.Max() * options.DeadShare, deadBehind = behind.Max() * options.DeadShare, change = 0;
        double[] scales = new double[total.Length];
        for (int c = 0; c < scales.Length; c++)
        {
            scales[c] = before[c] > deadBefore && behind[c] > deadBehind ? Math.Sqrt(before[c] / behind[c]) : 1;
            total[c] *= scales[c];
            change = Math.Max(change, Math.Abs(scales[c] - 1));
        }
        foreach (LinearLayer source in group.Sources)
            ranges[source.Node].ScaleOutputs(Array.ConvertAll(scales, s => 1 / s));
        foreach (LinearLayer sink in group.Sinks)
            ranges[sink.Node].ScaleInputs(ScalingGroup.Spread(scales, sink.Inputs));
        return change;
    }

    private static double[] Largest(ScalingGroup group, IEnumerable<double[]> ranges)
    {
        double[] largest = new double[group.Channels];
        foreach (double[] range in ranges)
        {
            for (int c = 0; c < largest.Length; c++)
                largest[c] = Math.Max(largest[c], range[c]);
        }
        return largest;
    }

    /// <summary>The largest of each channel's block of inputs.</summary>
    private static double[] Narrow(double[] inputs, int channels) =>
        inputs.Length == channels ? inputs : [.. inputs.Chunk(inputs.Length / channels).Select(block => block.Max())];

    private static double[] Ones(long count) => [.. Enumerable.Repeat(1.0, checked((int)count))];
}
