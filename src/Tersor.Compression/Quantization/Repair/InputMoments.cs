using System.Numerics.Tensors;
using Tersor.Compression.Numerics;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Sampled input patches of one group of a layer: [inputs, count], one input's samples beside each other.</summary>
/// <remarks>Everything rounding needs follows from it: means, second moments, products with weights.</remarks>
internal sealed class InputMoments
{
    private readonly float[] samples;

    /// <param name="patches">[count, stride], row-major. Not kept.</param>
    /// <param name="stride">Elements of a patch of all groups.</param>
    /// <param name="first">Where this group's part begins in each patch.</param>
    /// <param name="inputs">Elements of this group's part.</param>
    public InputMoments(ReadOnlySpan<float> patches, int stride, int first, int inputs)
    {
        (Inputs, Count) = (inputs, patches.Length / stride);
        samples = new float[(long)inputs * Count];
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<float> patch = patches.Slice(i * stride + first, inputs);
            for (int k = 0; k < inputs; k++)
                samples[k * Count + i] = patch[k];
        }
    }

    /// <summary>Elements of a patch.</summary>
    public int Inputs { get; }

    /// <summary>Number of patches.</summary>
    public int Count { get; }

    /// <summary>The samples of one input.</summary>
    public ReadOnlySpan<float> this[int input] => samples.AsSpan(input * Count, Count);

    /// <summary>Takes the means away. Returns them.</summary>
    public double[] Centre()
    {
        double[] means = new double[Inputs];
        for (int k = 0; k < Inputs; k++)
        {
            Span<float> row = samples.AsSpan(k * Count, Count);
            double sum = 0;
            foreach (float x in row)
                sum += x;
            means[k] = sum / Math.Max(1, Count);
            TensorPrimitives.Subtract(row, (float)means[k], row);
        }
        return means;
    }

    /// <summary>Mean of x xᵀ over the samples, symmetric, [inputs, inputs].</summary>
    public float[] Gram(ParallelOptions parallel)
    {
        float[] gram = new float[(long)Inputs * Inputs];
        // Pairs of long rows, so that each sample is loaded once for several products; every entry is computed in one piece and does not depend on the threads.
        const int Block = 16;
        int blocks = (Inputs + Block - 1) / Block;
        Parallel.For(0, blocks, parallel, b =>
        {
            int from = b * Block, to = Math.Min(Inputs, from + Block);
            for (int j = 0; j < to; j++)
            {
                for (int i = Math.Max(from, j); i < to; i++)
                    gram[i * Inputs + j] = OrderedSum.Dot(this[i], this[j]) / Math.Max(1, Count);
            }
        });
        for (int i = 0; i < Inputs; i++)
        {
            for (int j = i + 1; j < Inputs; j++)
                gram[i * Inputs + j] = gram[j * Inputs + i];
        }
        return gram;
    }
}
