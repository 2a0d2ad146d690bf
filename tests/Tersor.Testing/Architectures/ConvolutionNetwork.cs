using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>A feature map [batch, channels, height, width] and its number of channels.</summary>
internal readonly record struct Features(Value Value, int Channels);

/// <summary>Mean and variance of every channel of what a normalization read.</summary>
internal sealed record ChannelStatistics(float[] Mean, float[] Variance);

/// <summary>How batch normalizations are written.</summary>
internal enum NormalizationForm
{
    /// <summary>Within the convolution before them; those behind something else as nodes.</summary>
    Folded,

    /// <summary>As BatchNormalization nodes.</summary>
    Node,

    /// <summary>With mean and variance of the batch being run, which the model gives out: to learn the statistics of all of them in one run.</summary>
    OfBatch,
}

/// <summary>A convolutional network: layers with He-scaled weights, normalizations with given statistics.</summary>
/// <remarks>Source of the scale: He et al. 2015, arXiv:1502.01852, section 2.2.</remarks>
internal sealed class ConvolutionNetwork(Graph graph, NormalNumbers numbers, NormalizationForm form, IReadOnlyList<ChannelStatistics>? statistics = null) : Network(graph, numbers)
{
    private readonly List<(Value Mean, Value Variance)> ofBatch = [];
    private int normalizations;

    /// <summary>What normalizations add to the variance.</summary>
    public double Epsilon { get; init; } = 1e-5;

    /// <summary>With <see cref="NormalizationForm.OfBatch"/>: mean and variance of every normalization, in the order they are written.</summary>
    public IReadOnlyList<(Value Mean, Value Variance)> OfBatch => ofBatch;

    /// <summary>A convolution with same padding.</summary>
    public Features Conv(Features x, int channels, int kernel, int stride = 1, int group = 1, bool bias = false, int? pad = null) =>
        Conv(x, channels, Kernel(x, channels, kernel, group), bias ? Numbers.Normals(channels, 0.05) : null, stride, group, pad);

    /// <summary>A convolution without bias, then a normalization.</summary>
    public Features ConvNorm(Features x, int channels, int kernel, int stride = 1, int group = 1, int? pad = null)
    {
        Tensor weight = Kernel(x, channels, kernel, group);
        if (form != NormalizationForm.Folded)
            return Norm(Conv(x, channels, weight, null, stride, group, pad));
        (float[] gamma, float[] beta, ChannelStatistics seen) = NextNorm(channels);
        float[] folded = weight.ToFloats(), bias = new float[channels];
        int fan = folded.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            float factor = (float)(gamma[c] / Math.Sqrt(seen.Variance[c] + Epsilon));
            foreach (ref float w in folded.AsSpan(c * fan, fan))
                w *= factor;
            bias[c] = beta[c] - seen.Mean[c] * factor;
        }
        return Conv(x, channels, Tensor.Create(weight.Shape.AsSpan(), folded), bias, stride, group, pad);
    }

    /// <summary>A normalization that stands apart from a convolution.</summary>
    public Features Norm(Features x)
    {
        (float[] gamma, float[] beta, ChannelStatistics seen) = NextNorm(x.Channels);
        if (form == NormalizationForm.OfBatch)
            return x with { Value = NormOfBatch(x.Value, gamma, beta) };
        Value[] parameters = [.. new[] { ("gamma", gamma), ("beta", beta), ("mean", seen.Mean), ("variance", seen.Variance) }.Select(p => Constant(p.Item1, Tensor.Vector(p.Item2)))];
        return x with { Value = Node("BatchNormalization", [x.Value, .. parameters], ("epsilon", (float)Epsilon), ("momentum", 0.9f)) };
    }

    /// <summary>max(x, 0).</summary>
    public Features Relu(Features x) => x with { Value = Node("Relu", [x.Value]) };

    /// <summary>x within [0, 6].</summary>
    public Features Relu6(Features x) => x with { Value = Node("Clip", [x.Value, Scalar(0), Scalar(6)]) };

    /// <summary>x · HardSigmoid(x), which operator set 13 has no operator for.</summary>
    public Features HardSwish(Features x) => x with { Value = Node("Mul", [x.Value, HardSigmoid(x).Value]) };

    /// <summary>x / 6 + 1/2 within [0, 1].</summary>
    public Features HardSigmoid(Features x) => x with { Value = Node("HardSigmoid", [x.Value], ("alpha", 1f / 6)) };

    /// <summary>x · Sigmoid(x).</summary>
    public Features Silu(Features x) => x with { Value = Node("Mul", [x.Value, Sigmoid(x).Value]) };

    /// <summary>1 / (1 + exp(-x)).</summary>
    public Features Sigmoid(Features x) => x with { Value = Node("Sigmoid", [x.Value]) };

    /// <summary>Scales channels by what a small network makes of their means.</summary>
    public Features SqueezeExcite(Features x, int squeezed, Func<Features, Features> activation, Func<Features, Features> gate)
    {
        Features inner = activation(Conv(GlobalPool(x), squeezed, 1, bias: true));
        return x with { Value = Node("Mul", [gate(Conv(inner, x.Channels, 1, bias: true)).Value, x.Value]) };
    }

    /// <summary>Elementwise sum.</summary>
    public Features Add(Features x, Features y) => x with { Value = Node("Add", [x.Value, y.Value]) };

    /// <summary>Maps one behind the other.</summary>
    public Features Concat(params Features[] parts) => new(Node("Concat", [.. parts.Select(p => p.Value)], ("axis", 1L)), parts.Sum(p => p.Channels));

    /// <summary>3x3 maximum, every second place.</summary>
    public Features MaxPool(Features x, int pad = 1, bool ceil = false) =>
        x with { Value = Node("MaxPool", [x.Value], ("ceil_mode", ceil ? 1L : 0L), ("kernel_shape", new[] { 3L, 3 }), ("pads", new long[] { pad, pad, pad, pad }), ("strides", new[] { 2L, 2 })) };

    /// <summary>2x2 mean, every second place.</summary>
    public Features AveragePool(Features x) => x with { Value = Node("AveragePool", [x.Value], ("kernel_shape", new[] { 2L, 2 }), ("strides", new[] { 2L, 2 })) };

    /// <summary>The mean of each channel, [batch, channels, 1, 1].</summary>
    public Features GlobalPool(Features x) => x with { Value = Node("GlobalAveragePool", [x.Value]) };

    /// <summary>The mean of each channel, [batch, channels].</summary>
    public Value Pooled(Features x) => Flatten(GlobalPool(x));

    /// <summary>All that belongs to one sample in one row.</summary>
    public Value Flatten(Features x) => Node("Flatten", [x.Value], ("axis", 1L));

    private Features Conv(Features x, int channels, Tensor weight, float[]? bias, int stride, int group, int? padding)
    {
        Value w = Constant("weight", weight);
        long kernel = weight.Shape[^1], pad = padding ?? kernel / 2;
        return new(Node("Conv", bias is null ? [x.Value, w] : [x.Value, w, Constant("bias", Tensor.Vector(bias))], ("dilations", new[] { 1L, 1 }), ("group", (long)group),
            ("kernel_shape", new[] { kernel, kernel }), ("pads", new[] { pad, pad, pad, pad }), ("strides", new long[] { stride, stride })), channels);
    }

    private Tensor Kernel(Features x, int channels, int kernel, int group)
    {
        long fan = x.Channels / group * kernel * kernel;
        return Tensor.Create([channels, x.Channels / group, kernel, kernel], Numbers.Normals(channels * fan, Math.Sqrt(2.0 / fan)));
    }

    private (float[] Gamma, float[] Beta, ChannelStatistics Seen) NextNorm(int channels)
    {
        (float[] gamma, float[] beta) = (Numbers.Uniforms(channels, 0.5, 1.5), Numbers.Normals(channels, 0.2));
        return (gamma, beta, statistics?[normalizations++] ?? new(new float[channels], [.. Enumerable.Repeat(1f, channels)]));
    }

    private Value NormOfBatch(Value x, float[] gamma, float[] beta)
    {
        Value mean = Mean(x), centered = Node("Sub", [x, mean]), variance = Mean(Node("Mul", [centered, centered]));
        ofBatch.Add((mean, variance));
        Value deviation = Node("Sqrt", [Node("Add", [variance, Scalar(Epsilon)])]);
        Value factor = Node("Div", [Constant("gamma", Tensor.Create([1, gamma.Length, 1, 1], gamma)), deviation]);
        return Node("Add", [Node("Mul", [centered, factor]), Constant("beta", Tensor.Create([1, beta.Length, 1, 1], beta))]);

        // Twice: the engine has no fast kernel for the mean over axes 0, 2 and 3 at once.
        Value Mean(Value y) => Node("ReduceMean", [Node("ReduceMean", [y], ("axes", new[] { 2L, 3 }))], ("axes", new[] { 0L }));
    }
}
