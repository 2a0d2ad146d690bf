using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A BatchNormalization that no layer can take becomes a depthwise convolution of size 1: behind a Concat, or where its input has several readers. What follows can then be fused with it, and it has an 8-bit form.</summary>
public sealed class NormalizationToConvolutionPass(NormalizationToConvolutionOptions options) : Pass
{
    private const int MaxChannels = 1 << 16;

    private readonly FoldBatchNormalizationPass folding = new(new());

    /// <inheritdoc/>
    public override string Name => "normalization-to-convolution";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        // From the end: of a Mul and the Add behind it, the Add takes both.
        foreach (Node node in model.AllGraphs().SelectMany(g => g.Nodes.Reverse()).ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (!node.IsInGraph || (node.OpType != "BatchNormalization" && !options.ScalesAndShifts))
                continue;
            if (AffineNode.Of(node, out string? reason) is { } affine && (reason = Change(affine, types, report)) is null)
                continue;
            if (reason is not null)
                report.Skip(node.ToString(), reason);
        }
        return report;
    }

    private string? Change(AffineNode affine, TypeFacts types, PassReport report)
    {
        Node node = affine.Node;
        bool normalization = node.OpType == "BatchNormalization";
        if (normalization ? folding.CanFold(affine, types) : FusedPatterns.Part(affine) is not null)
            return normalization ? "a layer beside it can take it: fold-batch-normalization" : "belongs to a larger pattern";
        if (types.Rank(affine.Input) is not { } rank || rank is < 3 or > 5)
            return "its input is not known to have 3 to 5 dimensions";
        long? channels = normalization ? affine.Scale.Values.Length : types.Shape(affine.Input)![1].Size;
        if (channels is null)
            return "the number of channels is not known";
        if (channels is 0 or > MaxChannels)
            return $"has {channels} channels";
        if (affine.Scale.Along(rank, 1 - rank, channels.Value) is not { } scale || affine.Shift.Along(rank, 1 - rank, channels.Value) is not { } shift)
            return "does not act on channels alone";
        if (types.Element(affine.Input) is { } type && type != ElementType.Float32)
            return $"computes in {type}";
        if (!normalization)
        {
            if (channels % BlockLayout.Block != 0 || !IsBetweenConvolutions(affine))
                return channels % BlockLayout.Block != 0 ? $"{Plural.Of(channels.Value, "channel")} {Plural.Noun(channels.Value, "does", "do")} not fill blocks of {BlockLayout.Block}" : "not between convolutions";
            while (affine.Input.Producer is { } producer && ReferenceEquals(producer.Graph, node.Graph) && Rewire.HasOneReader(affine.Input) && AffineNode.Of(producer, out _) is { } first
                && types.Rank(first.Input) == rank && FusedPatterns.Part(first) is null && first.Scale.Along(rank, 1 - rank, channels.Value) is { } s && first.Shift.Along(rank, 1 - rank, channels.Value) is { } t && !types.Widens(first, channels.Value))
            {
                shift = [.. shift.Select((value, c) => scale[c] * t[c] + value)];
                scale = [.. scale.Select((value, c) => value * s[c])];
                affine = affine with { Input = first.Input };
            }
        }
        string name = node.Outputs[0]!.Name;
        report.Changed(node.ToString(), $"is now a depthwise convolution of {Plural.Of(channels.Value, "channel")}");
        Value weight = Constants.Add(node, $"{name}/scale", LayerFold.Round(scale, ElementType.Float32, [channels.Value, .. Enumerable.Repeat(1L, rank - 1)]));
        Value bias = Constants.Add(node, $"{name}/shift", LayerFold.Round(shift, ElementType.Float32, [channels.Value]));
        Value made = node.Put("Conv", [affine.Input, weight, bias], ("group", channels.Value), ("kernel_shape", Enumerable.Repeat(1L, rank - 2).ToArray()));
        made.Type = node.Outputs[0]!.Type;
        node.Outputs[0]!.ReplaceAllUsesWith(made);
        Rewire.RemoveChain(node);
        return null;
    }

    /// <summary>A convolution makes its input, perhaps with an activation behind, and a convolution or a pooling reads its output.</summary>
    private static bool IsBetweenConvolutions(AffineNode affine) =>
        BlockLayout.IsConvolved(affine.Input) && affine.Node.Outputs[0]!.Uses.Any(u => u.Index == 0 && u.Node.Is("Conv", "MaxPool", "AveragePool", "GlobalAveragePool"));
}
