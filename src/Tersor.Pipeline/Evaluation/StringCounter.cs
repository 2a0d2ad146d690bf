using Tersor.Onnx;

namespace Tersor.Pipeline.Evaluation;

/// <summary>Which share of the strings that a model gives out equal the reference's, output by output: strings have no distance.</summary>
internal sealed class StringCounter
{
    private readonly OrderedDictionary<string, (long Same, long Count)> counts = [];

    /// <summary>A figure an output, called after it.</summary>
    public IReadOnlyList<MetricValue> Values => [.. counts.Select(c => new MetricValue($"equal strings of {c.Key}", c.Value.Count == 0 ? double.NaN : (double)c.Value.Same / c.Value.Count, true))];

    /// <summary>Counts one sample. An output that the model lacks, or that has another shape, has no equal strings.</summary>
    public void Add(IReadOnlyList<IReadOnlyDictionary<string, Tensor>> actual, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> expected)
    {
        for (int step = 0; step < expected.Count; step++)
        {
            foreach ((string name, Tensor wanted) in expected[step])
            {
                if (wanted.Type != ElementType.String)
                    continue;
                Tensor? given = step < actual.Count ? actual[step].GetValueOrDefault(name) : null;
                bool comparable = given is { Type: ElementType.String } && given.Shape.AsSpan().SequenceEqual(wanted.Shape.AsSpan());
                long same = comparable ? wanted.Strings.Zip(given!.Strings).LongCount(p => p.First.Span.SequenceEqual(p.Second.Span)) : 0;
                (long before, long count) = counts.TryGetValue(name, out var known) ? known : (0, 0);
                counts[name] = (before + same, count + wanted.Length);
            }
        }
    }
}
