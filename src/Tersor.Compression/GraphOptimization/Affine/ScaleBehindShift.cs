using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>x · s + t before a layer that takes no shift, because it pads or has no bias: (x + t / s) · s, and the layer takes the scale.</summary>
internal static class ScaleBehindShift
{
    /// <summary>Moves the scale before <paramref name="shift"/> into the layer behind it. Without a report it only looks.</summary>
    public static bool Fold(AffineNode shift, LinearLayer layer, TypeFacts types, PassReport? report)
    {
        if (shift.Scale.Values.Any(s => s != 1) || shift.Input.Producer is not { } producer || !ReferenceEquals(producer.Graph, shift.Node.Graph) || !Rewire.HasOneReader(shift.Input)
            || AffineNode.Of(producer, out _) is not { Shifts: false } scale || scale.Node.OpType == "BatchNormalization" || FusedPatterns.Part(scale) is not null)
        {
            return false;
        }
        int? rank = layer.Rank ?? types.Rank(shift.Input);
        if (scale.Scale.Along(rank, layer.ChannelAxis, layer.Inputs) is not { } factors || shift.Shift.Along(rank, layer.ChannelAxis, layer.Inputs) is null
            || types.Widens(scale, layer.Inputs) || types.Widens(shift, layer.Inputs))
        {
            return false;
        }
        Coefficients wide = scale.Scale.Values.Length > shift.Shift.Values.Length ? scale.Scale : shift.Shift;
        double[] moved = [.. Enumerable.Range(0, wide.Values.Length).Select(i => At(shift.Shift, i) / At(scale.Scale, i))];
        if (!moved.All(v => float.IsFinite((float)v)))
            return false;
        if (report is null)
            return true;
        report.Changed(scale.Node.ToString(), $"folded into {layer.Node}, behind {shift.Node}");
        LayerFold.Before(layer, factors, new double[factors.Length]);
        Node node = shift.Node;
        Value constant = Constants.Add(node, $"{node.Outputs[0]!.Name}/shift", LayerFold.Round(moved, layer.Weight.Constant!.Type, [.. wide.Shape]));
        Node add = node.Graph.InsertBefore(node, "Add", [scale.Input, constant], [node.Outputs[0]!.Name]);
        add.Outputs[0]!.Type = node.Outputs[0]!.Type;
        node.Outputs[0]!.ReplaceAllUsesWith(add.Outputs[0]!);
        Rewire.RemoveChain(node);
        return true;
    }

    private static double At(Coefficients c, int i) => c.Values.Length == 1 ? c.Values[0] : c.Values[i];
}
