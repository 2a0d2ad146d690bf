using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Folds BatchNormalization, and Mul, Add, Sub, Div by constants, into the weight and bias of the Conv, ConvTranspose, Gemm or MatMul beside it; merges chains of them.</summary>
/// <remarks>Source for the formulas: Jacob et al. 2018, arXiv:1712.05877, section 3.2; the others are the same algebra.</remarks>
public sealed class FoldBatchNormalizationPass(FoldBatchNormalizationOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "fold-batch-normalization";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        bool again = true;
        while (again)
        {
            again = false;
            foreach (Node node in model.AllNodes().ToArray())
            {
                context.Cancellation.ThrowIfCancellationRequested();
                if (node.IsInGraph && AffineNode.Of(node, out _) is { } affine && TryFold(affine, types, report, out _))
                    again = true;
            }
        }
        foreach (Node node in model.AllNodes())
        {
            if (AffineNode.Of(node, out string? reason) is { } affine)
                TryFold(affine, types, null, out reason);
            if (reason is not null)
                report.Skip(node.ToString(), reason);
        }
        return report;
    }

    /// <summary>True when a layer beside the node, or a neighbour of its kind, can take it.</summary>
    internal bool CanFold(AffineNode affine, TypeFacts types) => TryFold(affine, types, null, out _);

    /// <summary>Folds the node where that is possible. Without a report it only looks.</summary>
    private bool TryFold(AffineNode affine, TypeFacts types, PassReport? report, out string? reason)
    {
        if (IsNothing(affine, types, report) || FoldBehind(affine, types, report, out string? behind))
        {
            reason = null;
            return true;
        }
        if (FusedPatterns.Part(affine) is { } part)
        {
            reason = part;
            return false;
        }
        if (FoldBefore(affine, types, report, out string? before) || AffineChain.Merge(affine, types, report))
        {
            reason = null;
            return true;
        }
        reason = behind ?? before;
        if (reason is null && affine.Node.OpType == "BatchNormalization")
            reason = "no layer before or behind it";
        return false;
    }

    /// <summary>x · 1 + 0, which remove-no-ops leaves where it could turn -0 into 0.</summary>
    private static bool IsNothing(AffineNode affine, TypeFacts types, PassReport? report)
    {
        if (affine.Shifts || affine.Scale.Values.Any(s => s != 1) || affine.Node.OpType == "BatchNormalization")
            return false;
        Value constant = affine.Node.Inputs.First(i => i!.Constant is not null)!;
        if (!(constant.Constant!.Rank == 0 || types.SameShape(affine.Input, affine.Node.Outputs[0]!)) || Rewire.Obstacle(affine.Node.Outputs[0]!, affine.Input) is not null)
            return false;
        report?.Changed(affine.Node.ToString(), "scales by 1 and adds 0; removed");
        if (report is not null)
            Rewire.Bypass(affine.Node, affine.Input);
        return true;
    }

    private bool FoldBehind(AffineNode affine, TypeFacts types, PassReport? report, out string? reason)
    {
        reason = null;
        if (affine.Input.Producer is not { } producer || !ReferenceEquals(producer.Graph, affine.Node.Graph) || LinearLayer.Of(producer, out reason) is not { } layer)
            return false;
        int? rank = layer.Rank ?? types.Rank(layer.Output);
        double[]? scale = affine.Scale.Along(rank, layer.ChannelAxis, layer.Outputs), shift = affine.Shift.Along(rank, layer.ChannelAxis, layer.Outputs);
        reason = scale is null || shift is null ? $"does not act on the output channels of {producer} alone"
            : !layer.TakesBias && affine.Shifts && affine.Scale.Values.All(s => s == 1) ? $"is the bias of {producer}"
            : !Rewire.HasOneReader(layer.Output) ? $"the output of {producer} has other readers"
            : Shared(layer) ?? (LayerFold.TryBias(layer) is null ? $"the bias of {producer} is not one number an output channel" : null)
            ?? Rewire.Obstacle(affine.Node.Outputs[0]!, affine.Input);
        if (reason is not null)
            return false;
        if (report is null)
            return true;
        if (!layer.TakesBias && affine.Shifts)
        {
            SplitOff(affine, layer, scale!, shift!, report);
            return true;
        }
        report.Changed(affine.Node.ToString(), $"folded into {producer} before it");
        LayerFold.Behind(layer, scale!, shift!);
        Finish(affine);
        return true;
    }

    /// <summary>A MatMul takes the scale; the shift stays as an Add.</summary>
    private static void SplitOff(AffineNode affine, LinearLayer layer, double[] scale, double[] shift, PassReport report)
    {
        report.Changed(affine.Node.ToString(), $"its scale folded into {layer.Node} before it; its shift is an Add");
        LayerFold.Behind(layer, scale, new double[scale.Length]);
        Node node = affine.Node;
        Value constant = Constants.Add(node, $"{node.Outputs[0]!.Name}/shift", LayerFold.Round(shift, layer.Weight.Constant!.Type, [shift.Length]));
        Node add = node.Graph.InsertBefore(node, "Add", [layer.Output, constant], [node.Outputs[0]!.Name]);
        add.Outputs[0]!.Type = node.Outputs[0]!.Type;
        Rewire.Bypass(node, add.Outputs[0]!);
    }

    private bool FoldBefore(AffineNode affine, TypeFacts types, PassReport? report, out string? reason)
    {
        reason = null;
        Value output = affine.Node.Outputs[0]!;
        if (!Rewire.HasOneReader(output))
            return false;
        Use use = output.Uses[0];
        if (use.Index != 0 || !ReferenceEquals(use.Node.Graph, affine.Node.Graph) || LinearLayer.Of(use.Node, out reason) is not { } layer)
            return false;
        int? rank = layer.Rank ?? types.Rank(affine.Input) ?? types.Rank(output);
        double[]? scale = affine.Scale.Along(rank, layer.ChannelAxis, layer.Inputs), shift = affine.Shift.Along(rank, layer.ChannelAxis, layer.Inputs);
        reason = scale is null || shift is null ? $"does not act on the input channels of {use.Node} alone"
            : affine.Shifts && layer.Pads ? $"{use.Node} pads: the padding would be shifted too"
            : affine.Shifts && !layer.TakesBias ? $"{use.Node} takes no bias"
            : types.Widens(affine, layer.Inputs) ? "may widen its input's shape"
            : Shared(layer) ?? (LayerFold.TryBias(layer) is null ? $"the bias of {use.Node} is not one number an output channel" : null);
        if (reason is not null)
            return affine.Shifts && Shared(layer) is null && LayerFold.TryBias(layer) is not null && ScaleBehindShift.Fold(affine, layer, types, report);
        if (report is null)
            return true;
        report.Changed(affine.Node.ToString(), $"folded into {use.Node} behind it");
        LayerFold.Before(layer, scale!, shift!);
        Finish(affine);
        return true;
    }

    private string? Shared(LinearLayer layer) => !Rewire.HasOneReader(layer.Weight) && layer.Weight.Constant!.ByteLength > options.MaxCopiedBytes
        ? $"the weight of {layer.Node} ({Plural.Of(layer.Weight.Constant.ByteLength, "byte")}) has other readers and would have to be copied" : null;

    private static void Finish(AffineNode affine)
    {
        Value?[] inputs = [.. affine.Node.Inputs];
        Rewire.Bypass(affine.Node, affine.Input);
        foreach (Value? input in inputs.Where(i => i != affine.Input))
            Rewire.RemoveIfUnused(input);
    }
}
