using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Testing;

/// <summary>Runs models in ONNX Runtime and compares what they give.</summary>
public static class Running
{
    /// <summary>The model's outputs by name.</summary>
    /// <exception cref="RuntimeException">ONNX Runtime cannot load or run it.</exception>
    public static IReadOnlyDictionary<string, Tensor> Run(Model model, IReadOnlyDictionary<string, Tensor> inputs, SessionSettings? settings = null)
    {
        using ModelSession session = new(model, settings);
        return session.Run(inputs);
    }

    /// <summary>The model's outputs by name, or null with the engine's reason.</summary>
    public static IReadOnlyDictionary<string, Tensor>? TryRun(Model model, IReadOnlyDictionary<string, Tensor> inputs, out string reason, SessionSettings? settings = null)
    {
        reason = "";
        try
        {
            return Run(model, inputs, settings);
        }
        catch (RuntimeException e)
        {
            reason = e.Message;
            return null;
        }
    }

    /// <summary>Where two sets of outputs differ, in words; empty when they are equal bit for bit.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyDictionary<string, Tensor> expected, IReadOnlyDictionary<string, Tensor> actual) =>
        Differences(expected, actual, relativeTolerance: null);

    /// <summary>Where two sets of outputs differ by more than <paramref name="tolerance"/> times the largest expected magnitude.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyDictionary<string, Tensor> expected, IReadOnlyDictionary<string, Tensor> actual, double tolerance) =>
        Differences(expected, actual, (double?)tolerance);

    private static List<string> Differences(IReadOnlyDictionary<string, Tensor> expected, IReadOnlyDictionary<string, Tensor> actual, double? relativeTolerance)
    {
        List<string> found = [];
        foreach ((string name, Tensor left) in expected)
        {
            if (!actual.TryGetValue(name, out Tensor? right))
                found.Add($"'{name}' is missing");
            else if (left.Type != right.Type || !left.Shape.AsSpan().SequenceEqual(right.Shape.AsSpan()))
                found.Add($"'{name}' is {right}; expected {left}");
            else if (!left.ContentEquals(right) && (relativeTolerance is not { } tolerance || !Close(left, right, tolerance)))
                found.Add($"'{name}' ({left}) has other elements");
        }
        return found;
    }

    private static bool Close(Tensor expected, Tensor actual, double tolerance)
    {
        if (!expected.Type.IsFloat() || expected.Type.Bits() < 16)
            return false;
        double[] left = expected.ToDoubles(), right = actual.ToDoubles();
        double largest = left.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        return left.Zip(right).All(pair => pair.First.Equals(pair.Second) || Math.Abs(pair.First - pair.Second) <= tolerance * largest);
    }
}
