using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A convolution of three input channels gets a fourth one of zeros: the engine's 8-bit kernels read four at a time. In float it is no gain.</summary>
public sealed class PadInputChannelsPass : Pass
{
    private const long From = 3, To = 4, MaxZeros = 1 << 24;

    /// <inheritdoc/>
    public override string Name => "pad-input-channels";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Node node in model.AllNodes().Where(n => n.Is("Conv")).ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (node.Input(1)?.Constant is not { } weight || weight.Rank < 3 || weight.Shape[1] != From || node.Int("group", 1) != 1)
                continue;
            string? reason = weight.Type != ElementType.Float32 ? $"its weight is {weight.Type}"
                : node.Inputs[1]!.Constraints.Count > 0 ? "its weight is constrained"
                : types.Fixed(node.Input(0)) is not { } size ? "the size of its input is not known; fix it with --dim or --input-shape"
                : size.Length != weight.Rank || size[1] != From ? "its weight does not fit its input"
                : size.Where((_, axis) => axis != 1).Aggregate(1.0, (product, d) => product * d) is < 1 or > MaxZeros ? "its input is empty, or too large" : null;
            if (reason is not null)
            {
                report.Skip(node.ToString(), reason);
                continue;
            }
            Value input = node.Inputs[0]!;
            long[] shape = types.Fixed(input)!;
            shape[1] = To - From;
            Value zeros = Constants.Add(node, $"{input.Name}/zeros", Tensor.Create(shape, new float[Tensor.ElementCount(shape)]));
            Value wide = node.Graph.InsertBefore(node, "Concat", [input, zeros], [$"{input.Name}/padded"], [new("axis", 1L)]).Outputs[0]!;
            Value old = node.Inputs[1]!;
            node.SetInput(0, wide);
            node.SetInput(1, Constants.Add(node, old.Name, ChannelLayout.Padded((int)From, (int)To).Apply(weight, 1, 0)));
            Rewire.RemoveIfUnused(old);
            report.Changed(node.ToString(), "reads a fourth channel of zeros");
        }
        return report;
    }
}
