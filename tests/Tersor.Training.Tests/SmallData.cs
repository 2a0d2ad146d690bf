using Tersor.Data;

namespace Tersor.Training.Tests;

/// <summary>Data sets made up from a formula.</summary>
internal static class SmallData
{
    /// <summary>Samples of one input each, with a label.</summary>
    public static IDataSet Of(int count, string input, Func<Random, (OnnxTensor Input, OnnxTensor Label)> make, int seed = 1)
    {
        Random random = new(seed);
        Sample[] samples = [.. Enumerable.Range(0, count).Select(i =>
        {
            (OnnxTensor tensor, OnnxTensor label) = make(random);
            return new Sample($"{i}", [new Dictionary<string, OnnxTensor> { [input] = tensor }], new Dictionary<string, OnnxTensor> { ["label"] = label });
        })];
        return new InMemoryDataSet("made up", samples);
    }

    /// <summary>Points in the plane, by the quadrant they lie in: classes 0 and 1 as in "exclusive or".</summary>
    public static IDataSet Quadrants(int count, int seed = 1) => Of(count, "x", random =>
    {
        float a = 2 * random.NextSingle() - 1, b = 2 * random.NextSingle() - 1;
        return (OnnxTensor.Create([1, 2], new[] { a, b }), OnnxTensor.Create([1], new[] { a * b > 0 ? 1L : 0L }));
    }, seed);

    /// <summary>Pictures [1, 3, 16, 16] of four kinds: a half that is brighter, left or right, and one above or below.</summary>
    public static IDataSet Pictures(int count, string input = "input", int seed = 1) => Of(count, input, random =>
    {
        int kind = random.Next(4);
        float[] picture = [.. Enumerable.Range(0, 3 * 16 * 16).Select(i => (float)(random.NextDouble() + (i % 16 / 8 == kind % 2 ? 0.5 : 0) + (i / 16 % 16 / 8 == kind / 2 ? 0.5 : 0)))];
        return (OnnxTensor.Create([1, 3, 16, 16], picture), OnnxTensor.Create([1], new[] { (long)kind }));
    }, seed);
}
