using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Operators;

/// <summary>Activation functions, softmax, dropout.</summary>
internal static class Activations
{
    private const double SeluAlpha = 1.67326319217681884765625, SeluGamma = 1.05070102214813232421875; // as ONNX states them

    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Relu", 1, c => F.relu(c[0])),
        new("LeakyRelu", 1, c => F.leaky_relu(c[0], c.Node.Float("alpha", 0.01f))),
        new("PRelu", 1, c => PRelu(c, c[1].numel() == 1 || c[0].dim() < 2 ? c[1] : c[1].reshape([c[1].numel(), .. Enumerable.Repeat(1L, (int)c[0].dim() - 2)]))),
        new("PRelu", 7, c => PRelu(c, c[1])),
        new("Elu", 1, c => F.elu(c[0], c.Node.Float("alpha", 1))),
        new("Selu", 1, c => F.elu(c[0], c.Node.Float("alpha", (float)SeluAlpha)) * c.Node.Float("gamma", (float)SeluGamma)),
        new("Celu", 12, c => F.celu(c[0], c.Node.Float("alpha", 1))),
        new("Gelu", 20, c => Gelu(c[0], c.Node.Text("approximate") == "tanh")),
        new("HardSigmoid", 1, c => HardSigmoid(c[0], c.Node.Float("alpha", 0.2f), c.Node.Float("beta", 0.5f))),
        new("HardSwish", 14, c => F.hardswish(c[0])),
        new("Sigmoid", 1, c => c[0].sigmoid()),
        new("Softplus", 1, c => F.softplus(c[0], 1, c[0].dtype == ScalarType.Float64 ? 40 : 20)),
        new("Softsign", 1, c => c[0] / (c[0].abs() + 1)),
        new("Tanh", 1, c => c[0].tanh()),
        new("ThresholdedRelu", 10, c => F.threshold(c[0], c.Node.Float("alpha", 1), 0)),
        new("Shrink", 9, Shrink),
        new("Mish", 18, c => F.mish(c[0])),
        new("Swish", 24, c => Swish(c[0], c.Node.Float("alpha", 1))),
        new("SwiGLU", 27, c => Swish(c[0], c.Node.Float("alpha", 1)) * c[1]),
        new("Softmax", 1, c => Flat(c, x => F.softmax(x, -1))),
        new("Softmax", 13, c => F.softmax(c[0], c.Node.Int("axis", -1))),
        new("LogSoftmax", 1, c => Flat(c, x => F.log_softmax(x, -1))),
        new("LogSoftmax", 13, c => F.log_softmax(c[0], c.Node.Int("axis", -1))),
        new("Hardmax", 1, c => Flat(c, x => Hardmax(x, -1))),
        new("Hardmax", 13, c => Hardmax(c[0], c.Axis(c.Node.Int("axis", -1), c[0].dim()))),
        new("Dropout", 1, c => Dropout(c, c.Node.Float("ratio", 0.5f), c.Run.Training && c.Node.Int("is_test", 0) == 0)),
        new("Dropout", 7, c => Dropout(c, c.Node.Float("ratio", 0.5f), c.Run.Training)),
        new("Dropout", 12, c => Dropout(c, c.Optional(1) is null ? 0.5 : c.Number(1), c.Run.Training || c.Optional(2) is not null && c.Longs(2)[0] != 0)),
    ];

    /// <summary>x · Φ(x), or its approximation by tanh.</summary>
    public static Tensor Gelu(Tensor x, bool tanh) => tanh ? F.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh) : F.gelu(x);

    /// <summary>x · sigmoid(alpha · x).</summary>
    public static Tensor Swish(Tensor x, double alpha) => alpha == 1 ? F.silu(x) : x * (x * alpha).sigmoid();

    // libtorch has a kernel for the usual line.
    private static Tensor HardSigmoid(Tensor x, float slope, float shift) => slope == (float)(1.0 / 6) && shift == 0.5f && x.dtype == ScalarType.Float32 ? F.hardsigmoid(x) : (x * slope + shift).clamp(0, 1);

    private static Tensor PRelu(OperatorCall call, Tensor slope)
    {
        Tensor x = call[0];
        if (!x.is_floating_point())
            return where(x.lt(0), x * slope, x);
        // One slope, or one per channel: libtorch has a kernel.
        bool channels = x.dim() >= 2 && slope.dim() == x.dim() - 1 && slope.shape[0] == slope.numel() && slope.numel() == x.shape[1];
        return slope.numel() == 1 || channels ? F.prelu(x, slope.reshape([-1])) : where(x.lt(0), x * slope, x);
    }

    private static OperatorResult Shrink(OperatorCall call)
    {
        Tensor x = call[0];
        float limit = call.Node.Float("lambd", 0.5f), bias = call.Node.Float("bias", 0);
        return where(x.lt(-limit), x + bias, where(x.gt(limit), x - bias, zeros_like(x)));
    }

    /// <summary>Before operator set 13, the dimensions from the axis on count as one.</summary>
    private static Tensor Flat(OperatorCall call, Func<Tensor, Tensor> function)
    {
        Tensor x = call[0];
        long axis = call.Axis(call.Node.Int("axis", 1), x.dim());
        if (axis == x.dim() - 1)
            return function(x);
        long rows = x.shape.Take((int)axis).Aggregate(1L, (a, b) => a * b);
        return function(x.reshape(rows, rows == 0 ? 0 : x.numel() / rows)).reshape(x.shape);
    }

    private static Tensor Hardmax(Tensor x, long axis) => zeros_like(x).scatter(axis, x.argmax(axis, keepdim: true), ones_like(x.argmax(axis, keepdim: true), x.dtype));

    /// <summary>Drops elements with probability <paramref name="ratio"/> and scales the others by 1 / (1 − ratio); where nothing drops, the input and a mask of ones.</summary>
    private static OperatorResult Dropout(OperatorCall call, double ratio, bool drops)
    {
        Tensor x = call[0];
        bool masked = call.Node.Output(1) is not null;
        ScalarType maskType = call.Opset >= 10 ? ScalarType.Bool : x.dtype;
        if (!drops || ratio == 0)
            return (x.alias(), masked ? ones_like(x, maskType) : null);
        // A seed of the node's own would make a state of its own, which no checkpoint holds; random numbers of a step follow from the run's.
        Generator? random = call.Run.Random;
        if (random is null && !masked)
            return F.dropout(x, ratio, training: true);
        Tensor kept = rand(x.shape, ScalarType.Float32, generator: random).ge(ratio);
        return (x * kept.to_type(x.dtype) / (1 - ratio), masked ? kept.to_type(maskType) : null);
    }
}
