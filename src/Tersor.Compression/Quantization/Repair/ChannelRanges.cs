using System.Numerics.Tensors;
using Tersor.Compression.GraphOptimization;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Largest magnitudes of a layer's weights by output and input channel, under scales that are not written into the weights yet.</summary>
internal sealed class ChannelRanges
{
    private readonly float[] largest; // [outputs, inputs of one group]
    private readonly int inputs;      // of one group
    private readonly int perGroup;    // outputs of one group
    private readonly double[] outputScales;
    private readonly double[] inputScales;

    /// <param name="layer">Its weights as they are now.</param>
    public ChannelRanges(LinearLayer layer)
    {
        int outputs = checked((int)layer.Outputs), groups = layer.Node.OpType is "Conv" or "ConvTranspose" ? (int)layer.Node.Int("group", 1) : 1;
        (inputs, perGroup) = ((int)layer.Inputs / groups, outputs / groups);
        (outputScales, inputScales) = (Ones(outputs), Ones((int)layer.Inputs));
        largest = new float[(long)outputs * inputs];
        Func<long, long> output = layer.OutputChannel(), input = layer.InputChannel();
        float[] weight = layer.Weight.Constant!.ToFloats();
        for (long i = 0; i < weight.Length; i++)
        {
            long at = output(i) * inputs + input(i) % inputs;
            largest[at] = MathF.Max(largest[at], MathF.Abs(weight[i]));
        }
    }

    /// <summary>Multiplies output channels.</summary>
    public void ScaleOutputs(double[] factors) => TensorPrimitives.Multiply(outputScales, factors, outputScales);

    /// <summary>Multiplies input channels.</summary>
    public void ScaleInputs(double[] factors) => TensorPrimitives.Multiply(inputScales, factors, inputScales);

    /// <summary>Largest magnitude of each output channel.</summary>
    public double[] Outputs() => Reduce(byOutput: true);

    /// <summary>Largest magnitude of each input channel.</summary>
    public double[] Inputs() => Reduce(byOutput: false);

    private double[] Reduce(bool byOutput)
    {
        double[] result = new double[byOutput ? outputScales.Length : inputScales.Length];
        for (int o = 0; o < outputScales.Length; o++)
        {
            int first = o / perGroup * inputs;
            for (int i = 0; i < inputs; i++)
            {
                int at = byOutput ? o : first + i;
                result[at] = Math.Max(result[at], largest[(long)o * inputs + i] * outputScales[o] * inputScales[first + i]);
            }
        }
        return result;
    }

    private static double[] Ones(int count) => [.. Enumerable.Repeat(1.0, count)];
}
