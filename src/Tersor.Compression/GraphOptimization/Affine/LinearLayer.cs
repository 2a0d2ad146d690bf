using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A Conv, ConvTranspose, Gemm or MatMul with a constant weight: which axis of the weight is which channel, and where a bias goes.</summary>
internal sealed class LinearLayer
{
    private LinearLayer(Node node, int dataInput) => (Node, DataInput) = (node, dataInput);

    public Node Node { get; }

    /// <summary>What the node reads as its weight now: an edit may have given it one of its own.</summary>
    public Value Weight => Node.Inputs[1]!;

    /// <summary>Which input holds the data: 0, except in MatMul(W, x), which is not supported.</summary>
    public int DataInput { get; }

    public Value Data => Node.Inputs[DataInput]!;

    public Value Output => Node.Outputs[0]!;

    private long[] Shape => [.. Weight.Constant!.Shape];

    private long Group => Node.OpType is "Conv" or "ConvTranspose" ? Node.Int("group", 1) : 1;

    private bool IsTransposedGemm => Node.OpType == "Gemm" && Node.Int("transB", 0) != 0;

    /// <summary>Number of output channels.</summary>
    public long Outputs => Node.OpType switch
    {
        "Conv" => Shape[0],
        "ConvTranspose" => Shape[1] * Group,
        "Gemm" when IsTransposedGemm => Shape[0],
        _ => Shape[1],
    };

    /// <summary>Number of input channels.</summary>
    public long Inputs => Node.OpType switch
    {
        "Conv" => Shape[1] * Group,
        "Gemm" when IsTransposedGemm => Shape[1],
        _ => Shape[0],
    };

    /// <summary>The channel dimension of input and output, counted from the end.</summary>
    public int ChannelAxis => Node.OpType is "Conv" or "ConvTranspose" ? 1 - Shape.Length : -1;

    /// <summary>Rank of input and output, where the operator fixes it.</summary>
    public int? Rank => Node.OpType switch
    {
        "Conv" or "ConvTranspose" => Shape.Length,
        "Gemm" => 2,
        _ => null,
    };

    public bool TakesBias => Node.OpType != "MatMul";

    public Value? Bias => TakesBias ? Node.Input(2) : null;

    /// <summary>True when padding mixes zeros with its input, so that adding to the input is not the same as adding to the output.</summary>
    public bool Pads => Node.OpType switch
    {
        "Conv" => Node.Text("auto_pad") is "SAME_UPPER" or "SAME_LOWER" || (Node.Text("auto_pad") is null or "NOTSET" && Node.Ints("pads") is { } pads && pads.Any(p => p != 0)),
        "ConvTranspose" => true, // border elements see fewer taps: a shift of the input is no constant of the output
        _ => false,
    };

    /// <summary>Reads a node as a layer. <paramref name="reason"/> says why a linear operator is none that can be folded into.</summary>
    public static LinearLayer? Of(Node node, out string? reason)
    {
        reason = null;
        if (!node.Is("Conv", "ConvTranspose", "Gemm", "MatMul") || node.Output(0) is null)
            return null;
        if (node.Input(1) is not { } weight || node.Input(0) is null)
            return null;
        reason = weight.Constant is not { } tensor ? $"the weight of {node} is not constant"
            : tensor.Type is not (ElementType.Float32 or ElementType.Float64) ? $"the weight of {node} is {tensor.Type}"
            : node.Is("Gemm", "MatMul") && tensor.Rank != 2 ? $"the weight of {node} has {Plural.Of(tensor.Rank, "dimension")}"
            : node.Is("Conv", "ConvTranspose") && tensor.Rank < 3 ? $"the weight of {node} has {Plural.Of(tensor.Rank, "dimension")}"
            : node.Is("Conv", "ConvTranspose") && !Divides(node.Int("group", 1), tensor.Shape[0]) ? $"the weight of {node} does not fall into its {Plural.Of(node.Int("group", 1), "group")}"
            : node.Is("Gemm") && node.Int("transA", 0) != 0 ? $"{node} transposes its input"
            : weight.Constraints.Any(c => c is Constraint.Codebook or Constraint.Grid or Constraint.Tie) ? $"the weight of {node} is constrained to values that scaling would leave"
            : node.OpType != "MatMul" && node.Input(2) is { Constant: null } ? $"the bias of {node} is not constant"
            : null;
        return reason is null ? new(node, 0) : null;
    }

    private static bool Divides(long group, long channels) => group >= 1 && group <= Math.Max(channels, 1) && channels % group == 0;

    /// <summary>Which output channel a weight element at this row-major index belongs to.</summary>
    public Func<long, long> OutputChannel()
    {
        long[] shape = Shape;
        long kernel = Tensor.ElementCount(shape.AsSpan(2));
        long group = Group;
        return Node.OpType switch
        {
            "Conv" => i => i / (shape[1] * kernel),
            "ConvTranspose" => i => i / (shape[1] * kernel) / (shape[0] / group) * shape[1] + i / kernel % shape[1],
            "Gemm" when IsTransposedGemm => i => i / shape[1],
            _ => i => i % shape[1],
        };
    }

    /// <summary>Which input channel a weight element at this row-major index belongs to.</summary>
    public Func<long, long> InputChannel()
    {
        long[] shape = Shape;
        long kernel = Tensor.ElementCount(shape.AsSpan(2));
        long group = Group;
        return Node.OpType switch
        {
            "Conv" => i => i / (shape[1] * kernel) / (shape[0] / group) * shape[1] + i / kernel % shape[1],
            "ConvTranspose" => i => i / (shape[1] * kernel),
            "Gemm" when IsTransposedGemm => i => i % shape[1],
            _ => i => i / shape[1],
        };
    }
}
