using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>ONNX Runtime keeps values between convolutions in blocks of channels: which values it keeps so.</summary>
internal static class BlockLayout
{
    /// <summary>Channels in a block on the widest processors.</summary>
    public const int Block = 16;

    private const int MaxSteps = 16;

    /// <summary>A convolution makes it, perhaps with activations, sums or products behind.</summary>
    public static bool IsConvolved(Value value)
    {
        for (int step = 0; step < MaxSteps && value.Producer is { } node && node.Is("Relu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "LeakyRelu", "Mul", "Add"); step++)
        {
            if (node.Inputs.FirstOrDefault(i => i is { Constant: null }) is not { } input)
                return false;
            value = input;
        }
        return value.Producer?.Is("Conv") == true;
    }
}
