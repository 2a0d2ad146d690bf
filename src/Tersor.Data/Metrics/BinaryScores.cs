namespace Tersor.Data.Metrics;

/// <summary>One score and one 0/1 label for every step of a sample.</summary>
internal static class BinaryScores
{
    /// <param name="observation">The sample with its outputs.</param>
    /// <param name="output">The output read; null: the first.</param>
    /// <param name="label">The label, 0 or 1 for every row.</param>
    /// <param name="element">Which element of a row is the score; negative counts from the end.</param>
    public static IEnumerable<(float Score, bool Positive)> Of(Observation observation, string? output, string label, int element)
    {
        long[] labels = ClassLabels.Of(observation, label, 0, 0);
        int next = 0;
        foreach (float[] row in Observations.Select(observation.Outputs, output).SelectMany(Observations.RowsOf))
        {
            int index = element < 0 ? row.Length + element : element;
            if (index < 0 || index >= row.Length)
                throw new DataException($"The metric reads element {element}, but the output has {row.Length} a row.");
            if (next >= labels.Length || labels[next] is not (0 or 1))
            {
                throw new DataException($"Sample '{observation.Sample.Name}' has {(next >= labels.Length ? $"{Plural.Of(labels.Length, "label")}, fewer than rows of output" : $"label {labels[next]}")}; "
                    + "expected 0 or 1 for each.");
            }
            yield return (row[index], labels[next++] == 1);
        }
        if (next != labels.Length)
            throw new DataException($"Sample '{observation.Sample.Name}' has {Plural.Of(labels.Length, "label")}, but the output has {Plural.Of(next, "row")}.");
    }
}
