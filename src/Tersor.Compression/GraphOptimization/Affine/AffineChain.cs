using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Two neighbours that scale and shift become one: Mul Mul, Add Add, BatchNormalization with either.</summary>
internal static class AffineChain
{
    /// <summary>Merges <paramref name="last"/> with the node before it, where one node can say both. Without a report it only looks.</summary>
    public static bool Merge(AffineNode last, TypeFacts types, PassReport? report)
    {
        if (last.Input.Producer is not { } producer || !ReferenceEquals(producer.Graph, last.Node.Graph) || !Rewire.HasOneReader(last.Input)
            || AffineNode.Of(producer, out _) is not { } first || FusedPatterns.Part(first) is not null || Rewire.Obstacle(last.Node.Outputs[0]!, last.Input) is not null)
        {
            return false;
        }
        if (first.Node.OpType == "BatchNormalization")
            return IntoNormalization(first, first.Node, last, types, report, scaleFirst: true);
        if (last.Node.OpType == "BatchNormalization")
            return IntoNormalization(last, last.Node, first, types, report, scaleFirst: false);
        return Same(first, last, report);
    }

    private static bool Same(AffineNode first, AffineNode last, PassReport? report)
    {
        bool scales = !first.Shifts && !last.Shifts, shifts = first.Scale.Values.Concat(last.Scale.Values).All(s => s == 1);
        if (!scales && !shifts)
            return false;
        (Coefficients a, Coefficients b) = scales ? (first.Scale, last.Scale) : (first.Shift, last.Shift);
        // One shape, or one of them a scalar: then the merged constant is no larger than the larger of them.
        if (!(a.IsScalar || b.IsScalar || a.Shape.SequenceEqual(b.Shape)))
            return false;
        if (report is null)
            return true;
        Coefficients wide = a.IsScalar ? b : a;
        double[] merged = [.. Enumerable.Range(0, wide.Values.Length).Select(i => scales ? At(a, i) * At(b, i) : At(a, i) + At(b, i))];
        ElementType type = last.Node.Inputs.First(i => i!.Constant is not null)!.Constant!.Type;
        report.Changed(last.Node.ToString(), $"merged with {first.Node}");
        Node node = last.Node;
        Value constant = Constants.Add(node, $"{node.Outputs[0]!.Name}/{(scales ? "scale" : "shift")}", LayerFold.Round(merged, type, [.. wide.Shape]));
        Node one = node.Graph.InsertBefore(node, scales ? "Mul" : "Add", [first.Input, constant], [node.Outputs[0]!.Name]);
        one.Outputs[0]!.Type = node.Outputs[0]!.Type;
        Rewire.Bypass(node, one.Outputs[0]!);
        first.Node.Remove();
        return true;
    }

    private static double At(Coefficients c, int i) => c.Values.Length == 1 ? c.Values[0] : c.Values[i];

    /// <summary>Rewrites gamma and beta of a BatchNormalization so that it does what its neighbour did as well.</summary>
    private static bool IntoNormalization(AffineNode normalization, Node node, AffineNode other, TypeFacts types, PassReport? report, bool scaleFirst)
    {
        long channels = normalization.Scale.Values.Length;
        if ((types.Rank(normalization.Input) ?? types.Rank(node.Output(0))) is not { } rank || rank < 2)
            return false;
        double[]? scale = other.Scale.Along(rank, 1 - rank, channels), shift = other.Shift.Along(rank, 1 - rank, channels);
        if (scale is null || shift is null || (!scaleFirst && types.Widens(other, channels)))
            return false;
        if (report is null)
            return true;
        double[] mean = node.Inputs[3]!.Constant!.ToDoubles(), gamma = node.Inputs[1]!.Constant!.ToDoubles();
        double[] newGamma = new double[channels], newBeta = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double s = normalization.Scale.Values[c], t = normalization.Shift.Values[c];
            newGamma[c] = gamma[c] * scale[c];
            // Composite: total scale s * scale in both orders; total shift depends on which comes first.
            double total = scaleFirst ? t * scale[c] + shift[c] : s * shift[c] + t;
            newBeta[c] = total + s * scale[c] * mean[c];
        }
        report.Changed(other.Node.ToString(), $"merged with {node}");
        ElementType type = node.Inputs[1]!.Constant!.Type;
        node.SetInput(1, Constants.Add(node, $"{node.Outputs[0]!.Name}/gamma", LayerFold.Round(newGamma, type, [channels])));
        node.SetInput(2, Constants.Add(node, $"{node.Outputs[0]!.Name}/beta", LayerFold.Round(newBeta, type, [channels])));
        Rewire.Bypass(other.Node, other.Input);
        return true;
    }
}
