using System.Numerics;
using MathNet.Numerics.Distributions;

namespace Tersor.Testing;

/// <summary>Seeded random numbers, fast enough for the weights of a network of 100 million.</summary>
/// <remarks>Normal numbers are 65,536 quantiles of the distribution, drawn evenly: none lies beyond 4.3 deviations. Source of the generator: Steele et al. 2014, Fast splittable pseudorandom number generators, OOPSLA.</remarks>
internal sealed class NormalNumbers(ulong seed)
{
    private static readonly float[] Quantiles = [.. Enumerable.Range(0, 1 << 16).Select(i => (float)Normal.InvCDF(0, 1, (i + 0.5) / (1 << 16)))];

    private ulong state = Mix(seed);

    /// <summary>Normal numbers of the given mean and standard deviation.</summary>
    public float[] Normals(long count, double deviation, double mean = 0)
    {
        float[] values = new float[count];
        ulong bits = 0;
        for (int i = 0; i < values.Length; i++, bits >>= 16)
        {
            if (i % 4 == 0)
                bits = Next();
            values[i] = (float)(mean + deviation * Quantiles[(ushort)bits]);
        }
        return values;
    }

    /// <summary>Even numbers of [low, high).</summary>
    public float[] Uniforms(long count, double low, double high)
    {
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(low + (high - low) * Uniform());
        return values;
    }

    /// <summary>An even number of [0, 1).</summary>
    public double Uniform() => (Next() >> 11) * (1.0 / (1UL << 53));

    private ulong Next() => Mix(state += 0x9E3779B97F4A7C15);

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return BitOperations.RotateLeft(x ^ (x >> 31), 7);
    }
}
