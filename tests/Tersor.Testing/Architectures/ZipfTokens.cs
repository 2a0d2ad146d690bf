using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Token sequences in which the token of rank r is drawn with a probability of about 1/r, as words occur in texts.</summary>
/// <remarks>Source of the offset: Mandelbrot 1953, An informational theory of the statistical structure of language.</remarks>
internal static class ZipfTokens
{
    private const double Offset = 2.7;

    /// <summary>Sequences [1, length] of int64 tokens 0..vocabulary-1.</summary>
    public static IDataSet Sequences(string input, int length, int vocabulary, int count, ulong seed)
    {
        double[] cumulative = new double[vocabulary];
        double sum = 0;
        for (int rank = 0; rank < vocabulary; rank++)
            cumulative[rank] = sum += 1 / (rank + 1 + Offset);
        return new InMemoryDataSet("zipf tokens", [.. Enumerable.Range(0, count).Select(i =>
        {
            NormalNumbers numbers = new(seed * 1_000_003 + (ulong)i);
            long[] tokens = [.. Enumerable.Range(0, length).Select(_ => Draw(numbers))];
            return new Sample($"sequence {i}", [new Dictionary<string, Tensor> { [input] = Tensor.Create([1, length], tokens) }], new Dictionary<string, Tensor>());
        })]);

        long Draw(NormalNumbers numbers)
        {
            int place = Array.BinarySearch(cumulative, sum * numbers.Uniform());
            return Math.Min(vocabulary - 1, place < 0 ? ~place : place + 1);
        }
    }
}
