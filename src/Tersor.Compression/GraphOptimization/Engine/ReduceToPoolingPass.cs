using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>The mean over all spatial dimensions becomes GlobalAveragePool, which engines keep in their own layout and compute in 8 bits: from ReduceMean, and from AveragePool over everything.</summary>
public sealed class ReduceToPoolingPass : Pass
{
    private const int MaxSteps = 16;

    /// <inheritdoc/>
    public override string Name => "reduce-to-pooling";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Node node in model.AllNodes().ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (!node.Is("ReduceMean", "AveragePool") || node.Input(0) is not { } input || node.Output(0) is not { } output)
                continue;
            string name = node.ToString();
            if ((node.OpType == "ReduceMean" ? NotSpatial(node, input, types) : NotWhole(node, input, types)) is { } reason)
            {
                report.Skip(name, reason);
                continue;
            }
            Value pooled = node.Put("GlobalAveragePool", [input]);
            // [N, C, 1, 1] without its last dimensions: Flatten needs no size.
            Value made = node.Int("keepdims", 1) == 1 || node.OpType == "AveragePool" ? pooled : node.Put("Flatten", [pooled], ("axis", 1L));
            made.Type = output.Type;
            output.ReplaceAllUsesWith(made);
            Rewire.RemoveChain(node);
            report.Changed(name, "is now GlobalAveragePool");
        }
        return report;
    }

    private static string? NotSpatial(Node node, Value input, TypeFacts types)
    {
        if (types.Rank(input) is not { } rank)
            return "the rank of its input is not known";
        long[]? axes = Constants.Integers(node, "axes", 1);
        return rank is < 3 or > 5 ? $"its input has {Plural.Of(rank, "dimension")}"
            : axes is null ? node.OpsetVersion >= 18 && node.Input(1) is not null ? "its dimensions are not constant" : "goes over all dimensions"
            : !axes.Select(a => a < 0 ? a + rank : a).Order().SequenceEqual(Enumerable.Range(2, rank - 2).Select(a => (long)a)) ? "goes over other dimensions than the spatial ones"
            // Centring a value is the first half of a normalization, which engines recognize as a whole.
            : node.Outputs[0]!.Uses.Any(u => u.Node.Is("Sub") && ReferenceEquals(u.Node.Input(0), input)) ? "is part of a normalization"
            // [N, T, D] of a transformer has three dimensions too, and no spatial one.
            : types.Shape(input)!.Skip(2).Any(d => d.Size == 0) ? "its input is empty"
            : rank == 3 && !IsConvolved(input) ? "its input has three dimensions and does not come from a convolution"
            : NotFloat(input, types);
    }

    private static bool IsConvolved(Value value)
    {
        int steps = 0;
        while (steps < MaxSteps && value.Producer is { } node && node.Is("Relu", "Clip", "LeakyRelu", "HardSwish", "Sigmoid", "BatchNormalization", "Mul", "Add", "MaxPool", "AveragePool") && node.Input(0) is { } input)
            (value, steps) = (input, steps + 1);
        return value.Producer?.Is("Conv") == true;
    }

    private static string? NotWhole(Node node, Value input, TypeFacts types) =>
        types.Shape(input) is not { Length: >= 3 } || types.Fixed(input, 2) is not { } sizes ? "the size of its input is not known"
        : !sizes.AsSpan().SequenceEqual(node.Ints("kernel_shape")) || (node.Ints("dilations")?.Any(d => d != 1) ?? false) ? "pools parts of its input"
        : node.Text("auto_pad") is not (null or "NOTSET" or "VALID") || (node.Ints("pads")?.Any(p => p != 0) ?? false) ? "pads"
        : NotFloat(input, types);

    private static string? NotFloat(Value input, TypeFacts types) =>
        types.Element(input) is not { } type ? "the type of its input is not known" : type != ElementType.Float32 ? $"computes in {type}" : null;
}
