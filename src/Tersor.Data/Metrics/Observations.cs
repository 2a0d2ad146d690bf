using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>What metrics take from an observation; what is missing is a clear error.</summary>
internal static class Observations
{
    /// <summary>The named output of every step, or the only (else first) output of numbers when <paramref name="name"/> is null.</summary>
    public static IEnumerable<Tensor> Select(IReadOnlyList<IReadOnlyDictionary<string, Tensor>> steps, string? name) => steps.Select(outputs => Select(outputs, name));

    public static Tensor Select(IReadOnlyDictionary<string, Tensor> outputs, string? name)
    {
        if (name is null)
            return outputs.Values.FirstOrDefault(IsNumeric) ?? throw new DataException(outputs.Count > 0 ? $"The metric measures numbers, and the model gives out {string.Join(", ", outputs.Select(o => $"'{o.Key}', {o.Value}"))}." : "The model has no output to measure.");
        return outputs.TryGetValue(name, out Tensor? output)
            ? IsNumeric(output) ? output : throw new DataException($"The metric measures numbers, and output '{name}' is {output}.")
            : throw new DataException($"The metric reads output '{name}', but the model has {string.Join(", ", outputs.Keys)}.{Nearest.Hint(name, outputs.Keys)}");
    }

    /// <summary>Whether the elements can be compared by their differences.</summary>
    public static bool IsNumeric(Tensor tensor) => tensor.Type == ElementType.Bool || tensor.Type.IsInteger() || tensor.Type.IsFloat();

    public static Tensor Label(Observation observation, string name) => observation.Sample.Labels.TryGetValue(name, out Tensor? label)
        ? label
        : throw new DataException($"Sample '{observation.Sample.Name}' has no label '{name}'{(observation.Sample.Labels.Count == 0 ? "" : $"; it has {string.Join(", ", observation.Sample.Labels.Keys)}")}. "
            + "Use a data set with labels, or a metric that compares with a reference model.");

    public static IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Reference(Observation observation) =>
        observation.Reference ?? throw new DataException("The metric compares with a reference model, but there is none.");

    /// <summary>Scores [.., classes] of all steps as rows, with the label of each.</summary>
    public static IEnumerable<(float[] Scores, int Label)> Rows(Observation observation, string? output, string label)
    {
        float[][] rows = [.. Select(observation.Outputs, output).SelectMany(RowsOf)];
        long[] labels = ClassLabels.Of(observation, label, rows.Length, rows.Length == 0 ? 0 : rows[0].Length);
        if (rows.Length != labels.Length)
            throw new DataException($"Sample '{observation.Sample.Name}' has {Plural.Of(labels.Length, "label")}, but the output has {Plural.Of(rows.Length, "row")} of scores.");
        for (int row = 0; row < rows.Length; row++)
        {
            if (labels[row] < 0 || labels[row] >= rows[row].Length)
                throw new DataException($"Sample '{observation.Sample.Name}' has class {labels[row]}, but the output has classes 0..{rows[row].Length - 1}.");
            yield return (rows[row], (int)labels[row]);
        }
    }

    /// <summary>Class numbers with the label of each, where the output holds such (ArgMax) and not scores: one for each label. Else null.</summary>
    public static IReadOnlyList<(long Answer, long Label)>? Classes(Observation observation, string? output, string label)
    {
        Tensor[] given = [.. Select(observation.Outputs, output)];
        if (!given.All(t => t.Type.IsInteger()) || Label(observation, label) is not { Type: not ElementType.String } labels || given.Sum(t => t.Length) != labels.Length)
            return null;
        return [.. given.SelectMany(t => t.ToInt64s()).Zip(ClassLabels.Of(observation, label, (int)labels.Length, 0))];
    }

    /// <summary>The rows along the last dimension.</summary>
    public static IEnumerable<float[]> RowsOf(Tensor scores)
    {
        int classes = scores.Rank > 0 ? (int)scores.Shape[^1] : 1;
        return classes == 0 ? [] : scores.ToFloats().Chunk(classes);
    }

    /// <summary>Index of the largest value; the first of equal ones; NaN never wins.</summary>
    public static int ArgMax(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best] || float.IsNaN(values[best]))
                best = i;
        }
        return best;
    }

    /// <summary>The output and its reference, step by step, as numbers.</summary>
    public static IEnumerable<(double[] Actual, double[] Expected)> Pairs(Observation observation, string? output)
    {
        IReadOnlyList<IReadOnlyDictionary<string, Tensor>> reference = Reference(observation);
        if (reference.Count != observation.Outputs.Count)
            throw new DataException($"Sample '{observation.Sample.Name}': {Plural.Of(observation.Outputs.Count, "step")}, but {reference.Count} in the reference.");
        for (int i = 0; i < reference.Count; i++)
        {
            foreach ((Tensor actual, Tensor expected) in Same(observation.Outputs[i], reference[i], output))
            {
                if (!actual.Shape.AsSpan().SequenceEqual(expected.Shape.AsSpan()))
                    throw new DataException($"Sample '{observation.Sample.Name}': output is {actual}, the reference's {expected}.");
                yield return (actual.ToDoubles(), expected.ToDoubles());
            }
        }
    }

    // Without a name all outputs of numbers count, in the reference's order.
    private static IEnumerable<(Tensor, Tensor)> Same(IReadOnlyDictionary<string, Tensor> actual, IReadOnlyDictionary<string, Tensor> expected, string? output) =>
        output is null ? expected.Where(e => IsNumeric(e.Value)).Select(e => (Select(actual, e.Key), e.Value)) : [(Select(actual, output), Select(expected, output))];
}
