using Tersor.Onnx;
using Tersor.Onnx.Roles;

namespace Tersor.Training.Weights;

/// <summary>Random numbers to start training from, by what they are to their operator.</summary>
/// <remarks>Kernels and matrices: uniform within ±sqrt(1 / inputs), so that the variance is a third of that of He et al. 2015, arXiv:1502.01852, as most frameworks start; those in front of a rectifier: normal, with variance
/// 2 / inputs (there, equation 10), which keeps the signal alive through many layers. Where a batch normalization follows it does that, and the smaller weights are better: the size of a step against that of the weight is what
/// the learning rate really is there (van Laarhoven 2017, arXiv:1706.05350, section 3). Recurrent weights: uniform within ±sqrt(1 / units).</remarks>
internal static class Initializer
{
    /// <summary>Standard deviation of tables and learned additions.</summary>
    private const double TableDeviation = 0.02;

    /// <summary>Numbers for a weight; the same for the same seed and name.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="normalized">Whether what it gives is normalized where training runs it, though the model has it folded.</param>
    public static OnnxTensor Start(ChosenWeight weight, int seed, bool normalized)
    {
        OnnxTensor old = weight.Value.Tensor!;
        Random random = new(HashCode(weight.Value.Name, seed));
        float[] values = new float[old.Length];
        switch (weight.Role)
        {
            case ConstantRole.NormalizationScale:
                Array.Fill(values, 1);
                break;
            case ConstantRole.NormalizationShift:
                break;
            case ConstantRole.Slope:
                Array.Fill(values, 0.25f);
                break;
            case ConstantRole.Table or ConstantRole.Token or ConstantRole.InitialState or ConstantRole.Operand:
                Normal(values, TableDeviation, random);
                break;
            case ConstantRole.ScaleOrShift when FirstReader(weight).Is("Mul"):
                return old; // a learned scale: what it starts from is part of the design
            case ConstantRole.ScaleOrShift:
                Normal(values, TableDeviation, random);
                break;
            case ConstantRole.RecurrentWeight:
                Uniform(values, Math.Sqrt(1.0 / Math.Max(FirstReader(weight).Int("hidden_size", 1), 1)), random);
                break;
            case ConstantRole.Bias when FirstReader(weight).Is("LSTM", "GRU", "RNN"):
                Uniform(values, Math.Sqrt(1.0 / Math.Max(FirstReader(weight).Int("hidden_size", 1), 1)), random);
                break;
            case ConstantRole.Bias:
                break;
            default:
                long inputs = Inputs(weight);
                if (!normalized && RectifierFollows(weight))
                    Normal(values, Math.Sqrt(2.0 / inputs), random);
                else
                    Uniform(values, Math.Sqrt(1.0 / inputs), random);
                break;
        }
        return OnnxTensor.Create(old.Shape.AsSpan(), values);
    }

    /// <summary>How many numbers one output is the sum of.</summary>
    private static long Inputs(ChosenWeight weight)
    {
        OnnxTensor tensor = weight.Value.Tensor!;
        if (weight.Uses[0].OutputChannelAxis is { } axis && tensor.Rank > 0)
            return Math.Max(tensor.Length / Math.Max(tensor.Shape[axis], 1), 1);
        return Math.Max(tensor.Rank > 1 ? tensor.Length / tensor.Shape[^1] : tensor.Length, 1);
    }

    private static Node FirstReader(ChosenWeight weight) => weight.Uses[0].Node!;

    private static bool RectifierFollows(ChosenWeight weight)
    {
        Value? output = FirstReader(weight).Output(0);
        for (int i = 0; i < 3 && output is { Uses: [var use, ..] }; i++)
        {
            if (use.Node.Is("Relu", "LeakyRelu", "PRelu", "Clip", "HardSwish", "ThresholdedRelu"))
                return true;
            if (!use.Node.Is("Add", "MaxPool"))
                return false;
            output = use.Node.Output(0);
        }
        return false;
    }

    private static void Normal(float[] values, double deviation, Random random)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
    }

    private static void Uniform(float[] values, double bound, Random random)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(bound * (2 * random.NextDouble() - 1));
    }

    // string.GetHashCode differs from run to run.
    private static int HashCode(string name, int seed) => name.Aggregate(unchecked(seed * 486187739 + 17), (hash, c) => unchecked(hash * 31 + c));
}
