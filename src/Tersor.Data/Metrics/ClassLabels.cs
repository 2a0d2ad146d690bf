using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>Class numbers from labels, in whatever way they are written: integers, whole numbers in floating point, or one number for each class of which a single one is 1.</summary>
internal static class ClassLabels
{
    /// <summary>The classes of a sample.</summary>
    /// <param name="observation">The sample.</param>
    /// <param name="label">Name of the label.</param>
    /// <param name="rows">How many are expected.</param>
    /// <param name="classes">How many classes there are; 0 where that is not known.</param>
    /// <exception cref="DataException">The label is missing, text, or no class.</exception>
    public static long[] Of(Observation observation, string label, int rows, int classes)
    {
        Tensor given = Observations.Label(observation, label);
        if (given.Type == ElementType.String)
            throw Wrong(observation, label, "text");
        if (classes > 1 && given.Length == (long)rows * classes && OneHot(given.ToDoubles(), classes) is { } chosen)
            return chosen;
        if (!given.Type.IsFloat())
            return given.ToInt64s();
        double[] values = given.ToDoubles();
        return values.All(v => v == Math.Truncate(v) && Math.Abs(v) < 1L << 53) ? [.. values.Select(v => (long)v)]
            : throw Wrong(observation, label, $"{given} with {values.First(v => v != Math.Truncate(v) || Math.Abs(v) >= 1L << 53)}");
    }

    /// <summary>Which of each row is 1; null where a row has other numbers than one 1 among zeros.</summary>
    private static long[]? OneHot(double[] values, int classes)
    {
        double[][] rows = [.. values.Chunk(classes)];
        return rows.All(r => r.All(v => v is 0 or 1) && r.Sum() == 1) ? [.. rows.Select(r => (long)Array.IndexOf(r, 1.0))] : null;
    }

    private static DataException Wrong(Observation observation, string label, string found) => new($"Label '{label}' of sample '{observation.Sample.Name}' is {found}; expected a class index.");
}
