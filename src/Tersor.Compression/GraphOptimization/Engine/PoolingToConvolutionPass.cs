using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>An AveragePool whose border counts like its middle becomes a depthwise convolution with equal weights. In float that is no gain; in 8 bits the convolution has the faster kernel.</summary>
public sealed class PoolingToConvolutionPass : Pass
{
    /// <summary>A kernel larger than this is no pooling on the way but one over everything, and its weights would outweigh what they save.</summary>
    private const long MaxKernel = 256, MaxWeights = 1 << 20;

    /// <inheritdoc/>
    public override string Name => "pooling-to-convolution";

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
            if (!node.Is("AveragePool") || node.Input(0) is not { } input || node.Output(0) is not { } output)
                continue;
            string name = node.ToString();
            if (Reason(node, input, types) is { } reason)
            {
                report.Skip(name, reason);
                continue;
            }
            long channels = types.Shape(input)![1].Size!.Value;
            long[] kernel = node.Ints("kernel_shape")!, shape = [channels, 1, .. kernel];
            float weight = (float)(1.0 / Tensor.ElementCount(kernel));
            Value weights = Constants.Add(node, $"{output.Name}/mean", Tensor.Create(shape, [.. Enumerable.Repeat(weight, checked((int)Tensor.ElementCount(shape)))]));
            Value made = node.Put("Conv", [input, weights], ("group", channels), ("kernel_shape", kernel));
            foreach (string attribute in new[] { "strides", "pads", "dilations", "auto_pad" })
            {
                if (node.Attributes.TryGetValue(attribute, out NodeAttribute? value))
                    made.Producer!.SetAttribute(attribute, value);
            }
            made.Type = output.Type;
            output.ReplaceAllUsesWith(made);
            Rewire.RemoveChain(node);
            report.Changed(name, $"is now a depthwise convolution of {Plural.Of(channels, "channel")}");
        }
        return report;
    }

    private static string? Reason(Node node, Value input, TypeFacts types)
    {
        bool padded = node.Text("auto_pad") is "SAME_UPPER" or "SAME_LOWER" || (node.Ints("pads")?.Any(p => p != 0) ?? false);
        return padded && node.Int("count_include_pad", 0) == 0 ? "its padding does not count, so border elements have other weights"
            : node.Int("ceil_mode", 0) != 0 ? "rounds its output size up: the last elements may have other weights"
            : node.Ints("kernel_shape") is not { } kernel ? "has no kernel_shape"
            : types.Shape(input) is not { } shape || shape.Length < 3 || shape[1].Size is not { } channels ? "the number of channels is not known"
            : kernel.Length != shape.Length - 2 || kernel.Any(k => k < 1) || channels < 1 ? "its kernel does not fit its input"
            : kernel.Any(k => k > MaxKernel) || Tensor.ElementCount(kernel) > MaxKernel || channels > MaxWeights / Tensor.ElementCount(kernel) ? "its kernel is too large"
            : types.Element(input) is not { } type ? "the type of its input is not known"
            : type != ElementType.Float32 ? $"computes in {type}" : null;
    }
}
