using Tersor.Onnx;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Random tensors, from the run's generator: a seed in the model would give the same numbers at every step.</summary>
internal static class RandomNumbers
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Bernoulli", 15, Scoped(c => As(c[0].detach().bernoulli(c.Run.Random), Type(c, c[0].dtype)).alias())),
        new("Multinomial", 7, Scoped(c => c[0].detach().softmax(-1).multinomial(c.Node.Int("sample_size", 1), true, c.Run.Random).to_type(c.Carrier((ElementType)c.Node.Int("dtype", 6))))),
        new("RandomNormal", 1, Scoped(c => Normal(c, c.Node.Ints("shape") ?? [], Type(c, c.Carrier(ElementType.Float32))))),
        new("RandomNormalLike", 1, Scoped(c => Normal(c, c[0].shape, Type(c, c[0].dtype)))),
        new("RandomUniform", 1, Scoped(c => Uniform(c, c.Node.Ints("shape") ?? [], Type(c, c.Carrier(ElementType.Float32))))),
        new("RandomUniformLike", 1, Scoped(c => Uniform(c, c[0].shape, Type(c, c[0].dtype)))),
    ];

    private static ScalarType Type(OperatorCall call, ScalarType fallback) => call.Node.Int("dtype") is { } type ? call.Carrier((ElementType)type) : fallback;

    private static OperatorResult Normal(OperatorCall call, long[] shape, ScalarType type) =>
        randn(shape, type, generator: call.Run.Random) * call.Node.Float("scale", 1) + call.Node.Float("mean", 0);

    private static OperatorResult Uniform(OperatorCall call, long[] shape, ScalarType type)
    {
        float low = call.Node.Float("low", 0), high = call.Node.Float("high", 1);
        return rand(shape, type, generator: call.Run.Random) * (high - low) + low;
    }
}
