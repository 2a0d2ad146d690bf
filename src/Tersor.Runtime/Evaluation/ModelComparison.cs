using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>How far one output of a model is from that of another, over all samples.</summary>
/// <param name="Name">The output.</param>
/// <param name="BitEqual">True when type, shape and every bit agree.</param>
/// <param name="MaxAbsolute">Greatest absolute difference of elements that are finite in both; 0 for strings.</param>
/// <param name="MaxRelative">Greatest, over the samples, of the absolute difference divided by the reference's largest magnitude in that sample (0 / 0 is 0).</param>
/// <param name="Mismatches">Elements of which one is NaN or infinite and the other is not the same; unequal strings.</param>
/// <param name="Problem">Why the outputs cannot be compared element by element (types, shapes, absence); null when they can.</param>
public sealed record OutputDifference(string Name, bool BitEqual, double MaxAbsolute, double MaxRelative, long Mismatches, string? Problem)
{
    /// <summary>True when the outputs agree within a share of the largest output, and in everything that is not finite.</summary>
    public bool Within(double relative) => BitEqual || (Problem is null && Mismatches == 0 && MaxRelative <= relative);
}

/// <summary>Outputs of two models on the same samples.</summary>
public static class ModelComparison
{
    /// <summary>Runs both models and compares their outputs by name.</summary>
    /// <exception cref="RuntimeException">The engine cannot load or run one of them.</exception>
    public static IReadOnlyList<OutputDifference> Compare(Model model, Model reference, IEnumerable<Sample> samples, IReadOnlyDictionary<string, string>? feedback = null,
        SessionSettings? settings = null, CancellationToken cancellation = default)
    {
        using ModelSession session = new(model, settings), other = new(reference, settings);
        SampleRunner runner = new(session, feedback), referenceRunner = new(other, feedback);
        Dictionary<string, OutputDifference> differences = other.OutputNames.ToDictionary(n => n, n => new OutputDifference(n, true, 0, 0, 0, null));
        foreach (Sample sample in samples)
        {
            IReadOnlyList<IReadOnlyDictionary<string, Tensor>> expected = referenceRunner.Run(sample, cancellation: cancellation), actual = runner.Run(sample, cancellation: cancellation);
            for (int step = 0; step < expected.Count; step++)
            {
                foreach ((string name, Tensor tensor) in expected[step])
                    differences[name] = Join(differences[name], actual[step].TryGetValue(name, out Tensor? mine) ? Compare(name, mine, tensor) : new(name, false, 0, 0, 0, "the output is absent"));
            }
        }
        return [.. differences.Values];
    }

    /// <summary>Compares two tensors.</summary>
    public static OutputDifference Compare(string name, Tensor actual, Tensor reference)
    {
        if (actual.Type != reference.Type)
            return new(name, false, 0, 0, 0, $"is {actual.Type}, expected {reference.Type}");
        if (!actual.Shape.AsSpan().SequenceEqual(reference.Shape.AsSpan()))
            return new(name, false, 0, 0, 0, $"has shape [{string.Join(',', actual.Shape)}], expected [{string.Join(',', reference.Shape)}]");
        bool equal = actual.ContentEquals(reference);
        if (equal)
            return new(name, true, 0, 0, 0, null);
        if (actual.Type == ElementType.String)
            return new(name, false, 0, 0, actual.Strings.Zip(reference.Strings).Count(p => !p.First.Span.SequenceEqual(p.Second.Span)), null);
        if (actual.Type is ElementType.Complex64 or ElementType.Complex128 or ElementType.Float4E2M1 || (actual.Type.IsFloat() && actual.Type.Bits() == 8))
            return new(name, false, 0, 0, 0, $"differs, and {actual.Type} is only compared bit by bit");
        double[] mine = actual.ToDoubles(), theirs = reference.ToDoubles();
        double largest = 0, difference = 0;
        long mismatches = 0;
        for (int i = 0; i < mine.Length; i++)
        {
            if (double.IsFinite(theirs[i]))
                largest = Math.Max(largest, Math.Abs(theirs[i]));
            if (double.IsFinite(mine[i]) && double.IsFinite(theirs[i]))
                difference = Math.Max(difference, Math.Abs(mine[i] - theirs[i]));
            else if (!mine[i].Equals(theirs[i])) // NaN equals itself here
                mismatches++;
        }
        return new(name, false, difference, difference == 0 ? 0 : difference / largest, mismatches, null);
    }

    private static OutputDifference Join(OutputDifference a, OutputDifference b) => new(a.Name, a.BitEqual && b.BitEqual, Math.Max(a.MaxAbsolute, b.MaxAbsolute),
        Math.Max(a.MaxRelative, b.MaxRelative), a.Mismatches + b.Mismatches, a.Problem ?? b.Problem);
}
