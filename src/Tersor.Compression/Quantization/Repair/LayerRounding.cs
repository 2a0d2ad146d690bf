using System.Numerics.Tensors;
using Tersor.Compression.Numerics;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>One group of one layer on its way to integers: what it should compute, on which inputs.</summary>
internal sealed class LayerRounding
{
    private readonly float[] rows;      // the float weights, [outputs, inputs]
    private readonly double[] means;     // of the inputs the float weights see
    private readonly double[] seenMeans; // of the inputs the integers will see
    private readonly bool biased;
    private readonly int inputs;

    /// <param name="rows">Float weights, [outputs, inputs]. Taken over.</param>
    /// <param name="floatInputs">Inputs in the float model. Taken over.</param>
    /// <param name="quantizedInputs">The same inputs in the quantized model, or null. Taken over.</param>
    /// <param name="biased">A bias will take up the mean error, so that only deviations from the mean count.</param>
    /// <param name="options">How.</param>
    /// <param name="parallel">Threads.</param>
    public LayerRounding(float[] rows, InputMoments floatInputs, InputMoments? quantizedInputs, bool biased, AdaptiveRoundingOptions options, ParallelOptions parallel)
    {
        (this.rows, this.biased, inputs) = (rows, biased, floatInputs.Inputs);
        InputMoments seen = quantizedInputs ?? floatInputs;
        means = biased ? floatInputs.Centre() : new double[inputs];
        seenMeans = !biased || quantizedInputs is null ? means : quantizedInputs.Centre();
        Problem = new(seen.Gram(parallel), inputs, options.Limit);
        Targets = quantizedInputs is null ? rows : Compensated(floatInputs, quantizedInputs, options, parallel);
    }

    /// <summary>What rounding is measured by.</summary>
    public RoundingProblem Problem { get; }

    /// <summary>What is rounded: the float weights, or those that make up for the error of the quantized inputs as far as weights can.</summary>
    public float[] Targets { get; }

    /// <summary>Weights that are scale · integer.</summary>
    /// <param name="scales">One a row.</param>
    /// <param name="keepZeros">Weights that are zero are a mask.</param>
    /// <param name="options">How.</param>
    /// <param name="parallel">Threads.</param>
    /// <param name="shift">What to add to the bias of each row.</param>
    /// <param name="errors">Summed over the rows: mean square of the output (about its mean where there is a bias), of the error by rounding to nearest, of the error in the end.</param>
    public float[] Solve(float[] scales, bool keepZeros, AdaptiveRoundingOptions options, ParallelOptions parallel, out double[] shift, out (double Signal, double Nearest, double Result) errors)
    {
        float[] nearest = new float[rows.Length];
        for (int i = 0; i < nearest.Length; i++)
            nearest[i] = Math.Clamp(MathF.Round(Targets[i] / scales[i / inputs], MidpointRounding.ToEven), -options.Limit, options.Limit);
        float[] integers = options.Round ? Problem.Solve(Targets, scales, options.Damping, keepZeros, parallel) : nearest;
        float[] result = new float[rows.Length];
        shift = new double[scales.Length];
        errors = (Problem.Objectives(rows, scales, new float[rows.Length], parallel).Sum(), Problem.Objectives(Targets, scales, nearest, parallel).Sum(), Problem.Objectives(Targets, scales, integers, parallel).Sum());
        for (int r = 0; r < scales.Length; r++)
        {
            int from = r * inputs;
            TensorPrimitives.Multiply(integers.AsSpan(from, inputs), scales[r], result.AsSpan(from, inputs));
            for (int k = 0; biased && k < inputs; k++)
                shift[r] += rows[from + k] * means[k] - (double)result[from + k] * seenMeans[k];
        }
        return result;
    }

    /// <summary>W + W · Σ (x − x̂) x̂ᵀ · (Σ x̂ x̂ᵀ + λI)⁻¹: the float weights that, on the quantized model's inputs x̂, come closest to the float model's output.</summary>
    private float[] Compensated(InputMoments floatInputs, InputMoments quantizedInputs, AdaptiveRoundingOptions options, ParallelOptions parallel)
    {
        int outputs = rows.Length / inputs, count = floatInputs.Count;
        float[] correction = new float[rows.Length];
        Parallel.For(0, outputs, parallel, r =>
        {
            float[] lost = new float[count];
            for (int k = 0; k < inputs; k++)
            {
                float weight = rows[r * inputs + k];
                TensorPrimitives.MultiplyAdd(floatInputs[k], weight, lost, lost);
                TensorPrimitives.MultiplyAdd(quantizedInputs[k], -weight, lost, lost);
            }
            for (int k = 0; k < inputs; k++)
                correction[r * inputs + k] = OrderedSum.Dot(lost, quantizedInputs[k]) / count;
        });
        Problem.SolveRows(correction, options.Damping, parallel);
        TensorPrimitives.Add(correction, rows, correction);
        return correction;
    }
}
