using System.Numerics;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Noise whose power falls with the square of the frequency, as that of photographs does: smooth areas, edges at every scale, strong low frequencies.</summary>
/// <remarks>Source of the exponent: Field 1987, Relations between the statistics of natural images and the response properties of cortical cells, JOSA A 4(12), section 3.</remarks>
internal static class PinkNoise
{
    private const double Darkest = -2.1, Brightest = 2.6; // black and white after the usual normalization of photographs

    /// <summary>Images [1, 3, size, size] of mean 0 and standard deviation 1: three channels that mostly share their brightness, contrast and exposure of each image its own.</summary>
    public static IDataSet Images(string input, int size, int count, ulong seed) =>
        new InMemoryDataSet("pink images", [.. Enumerable.Range(0, count).Select(i => One($"image {i}", input, Image(size, new(seed * 1_000_003 + (ulong)i))))]);

    /// <summary>Sequences [1, steps, features] whose features change slowly and whose neighbours are alike, as in a spectrogram.</summary>
    public static IDataSet Sequences(string input, int steps, int features, int count, ulong seed) =>
        new InMemoryDataSet("pink sequences", [.. Enumerable.Range(0, count).Select(i =>
            One($"sequence {i}", input, Tensor.Create([1, steps, features], Fields(steps, features, new(seed * 1_000_003 + (ulong)i)).First)))]);

    private static Sample One(string name, string input, Tensor tensor) => new(name, [new Dictionary<string, Tensor> { [input] = tensor }], new Dictionary<string, Tensor>());

    private static Tensor Image(int size, NormalNumbers numbers)
    {
        (float[] brightness, float[] red) = Fields(size, size, numbers);
        float[] blue = Fields(size, size, numbers).First;
        double contrast = 0.6 + 0.8 * numbers.Uniform(), exposure = numbers.Uniform() - 0.5;
        int plane = size * size;
        float[] pixels = new float[3 * plane];
        for (int i = 0; i < plane; i++)
        {
            pixels[i] = Pixel(red[i]);
            pixels[plane + i] = Pixel(-0.5f * (red[i] + blue[i]));
            pixels[2 * plane + i] = Pixel(blue[i]);

            float Pixel(float color) => (float)Math.Clamp(exposure + contrast * (0.95 * brightness[i] + 0.3 * color), Darkest, Brightest);
        }
        return Tensor.Create([1, 3, size, size], pixels);
    }

    /// <summary>Two independent fields of deviation 1, cut out of a larger periodic one: real and imaginary part of the transform of complex white noise, weighted by 1/f.</summary>
    private static (float[] First, float[] Second) Fields(int height, int width, NormalNumbers numbers)
    {
        int period = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(height, width));
        float[] white = numbers.Normals(2 * period * period, 1);
        Complex[] field = new Complex[period * period];
        double power = 0;
        for (int y = 0; y < period; y++)
        {
            for (int x = 0; x < period; x++)
            {
                int at = y * period + x, fy = Math.Min(y, period - y), fx = Math.Min(x, period - x);
                double amplitude = 1 / Math.Sqrt(Math.Max(1, fx * fx + fy * fy));
                power += amplitude * amplitude;
                field[at] = amplitude * new Complex(white[2 * at], white[2 * at + 1]);
            }
        }
        for (int line = 0; line < period; line++)
            Transform(field, line * period, 1, period);
        for (int line = 0; line < period; line++)
            Transform(field, line, period, period);
        float[] first = new float[height * width], second = new float[height * width];
        double scale = 1 / Math.Sqrt(power);
        for (int i = 0; i < first.Length; i++)
        {
            Complex value = field[i / width * period + i % width];
            (first[i], second[i]) = ((float)(scale * value.Real), (float)(scale * value.Imaginary));
        }
        return (first, second);
    }

    /// <summary>Fourier transform of one line in place. Source: Cooley and Tukey 1965, Mathematics of Computation 19(90).</summary>
    private static void Transform(Complex[] data, int start, int stride, int count)
    {
        for (int i = 1, j = 0; i < count; i++)
        {
            int bit = count >> 1;
            for (; (j & bit) != 0; bit >>= 1)
                j ^= bit;
            j ^= bit;
            if (i < j)
                (data[start + i * stride], data[start + j * stride]) = (data[start + j * stride], data[start + i * stride]);
        }
        for (int length = 2; length <= count; length *= 2)
        {
            Complex root = Complex.FromPolarCoordinates(1, 2 * Math.PI / length);
            for (int block = 0; block < count; block += length)
            {
                Complex turn = Complex.One;
                for (int k = 0; k < length / 2; k++, turn *= root)
                {
                    int low = start + (block + k) * stride, high = low + length / 2 * stride;
                    Complex odd = data[high] * turn;
                    (data[low], data[high]) = (data[low] + odd, data[low] - odd);
                }
            }
        }
    }
}
