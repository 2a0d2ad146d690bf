using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Token sequences in which the token of rank r is drawn with a probability of about 1/r, as words occur in texts.</summary>
/// <remarks>Source of the offset: Mandelbrot 1953, An informational theory of the statistical structure of language.</remarks>
internal static class ZipfTokens
{
    private const double Offset = 2.7;

    /// <summary>Share of the tokens of a sequence that belong to its topic, where there are topics.</summary>
    private const double OfTopic = 0.5;

    /// <summary>Sequences [1, length] of int64 tokens 0..vocabulary-1.</summary>
    /// <param name="input">The model's input.</param>
    /// <param name="length">Tokens.</param>
    /// <param name="vocabulary">Different tokens.</param>
    /// <param name="count">Sequences.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="topics">Each sequence has one topic, and half of its tokens are those of the topic: of every so many ranks one. 1: tokens are independent.</param>
    public static IDataSet Sequences(string input, int length, int vocabulary, int count, ulong seed, int topics = 1)
    {
        double[] cumulative = new double[vocabulary];
        double sum = 0;
        for (int rank = 0; rank < vocabulary; rank++)
            cumulative[rank] = sum += 1 / (rank + 1 + Offset);
        return new InMemoryDataSet("zipf tokens", [.. Enumerable.Range(0, count).Select(i =>
        {
            NormalNumbers numbers = new(seed * 1_000_003 + (ulong)i);
            int topic = topics == 1 ? 0 : (int)(topics * numbers.Uniform());
            long[] tokens = [.. Enumerable.Range(0, length).Select(_ => topics > 1 && numbers.Uniform() < OfTopic ? Math.Min(vocabulary - 1, Draw(numbers) / topics * topics + topic) : Draw(numbers))];
            return new Sample($"sequence {i}", [new Dictionary<string, Tensor> { [input] = Tensor.Create([1, length], tokens) }], new Dictionary<string, Tensor>());
        })]);

        long Draw(NormalNumbers numbers)
        {
            int place = Array.BinarySearch(cumulative, sum * numbers.Uniform());
            return Math.Min(vocabulary - 1, place < 0 ? ~place : place + 1);
        }
    }
}
