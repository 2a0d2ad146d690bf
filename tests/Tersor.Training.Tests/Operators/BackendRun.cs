using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Operators;

/// <summary>What became of one of ONNX's backend tests.</summary>
/// <param name="Name">The test.</param>
/// <param name="Kind">How it ended.</param>
/// <param name="Text">Why it did not pass.</param>
internal sealed record BackendOutcome(string Name, BackendOutcomeKind Kind, string Text = "");

internal enum BackendOutcomeKind
{
    Passed,
    Failed,
    /// <summary>An operator, or a form of it, that training has no implementation for.</summary>
    Missing,
    /// <summary>Nothing in it has a gradient: no output is a floating-point tensor, or its data are not tensors.</summary>
    Elsewhere,
}

/// <summary>Runs ONNX's backend tests through the differentiable graph.</summary>
internal static class BackendRun
{
    /// <summary>As ONNX's own runner compares.</summary>
    private const double Relative = 1e-3, Absolute = 1e-6;

    /// <summary>Half-precision results may differ by a few units in the last place: the order of sums is not the operator's to say.</summary>
    private const double HalfRelative = 4e-3, HalfAbsolute = 2e-3;

    /// <summary>They expect the random numbers of another generator.</summary>
    private static readonly string[] Random = ["test_training_dropout", "test_training_dropout_default", "test_training_dropout_default_mask", "test_training_dropout_mask"];

    public static BackendOutcome Run(string folder)
    {
        string name = Path.GetFileName(folder);
        if (Random.Contains(name))
            return new(name, BackendOutcomeKind.Elsewhere, "which random numbers are drawn is not the operator's to say");
        if (BackendTest.Load(folder, out string reason) is not { } test)
            return new(name, BackendOutcomeKind.Elsewhere, reason);
        if (!test.Expected.Values.Any(t => t.Type.IsFloat()))
            return new(name, BackendOutcomeKind.Elsewhere, "no output is a floating-point tensor");
        using IDisposable scope = NewDisposeScope();
        try
        {
            using GraphProgram program = new(test.Model);
            Dictionary<string, Tensor> inputs = test.Inputs.ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value));
            object?[] results = program.Run(inputs);
            for (int i = 0; i < results.Length; i++)
            {
                Value output = test.Model.Graph.Outputs[i];
                if (test.Expected.TryGetValue(output.Name, out OnnxTensor? expected) && Difference(expected, results[i] as Tensor) is { } difference)
                    return new(name, BackendOutcomeKind.Failed, $"output '{output.Name}': {difference}");
            }
            return new(name, BackendOutcomeKind.Passed);
        }
        catch (TrainingException e) when (e.Message.Contains("no implementation", StringComparison.Ordinal) || e.Message.Contains("no place in training", StringComparison.Ordinal))
        {
            return new(name, BackendOutcomeKind.Missing, e.Message);
        }
        catch (TrainingException e)
        {
            return new(name, BackendOutcomeKind.Failed, e.Message);
        }
    }

    /// <summary>How a result differs from what is expected; null when it does not.</summary>
    private static string? Difference(OnnxTensor expected, Tensor? actual)
    {
        if (actual is null)
            return "is missing";
        if (!actual.shape.SequenceEqual([.. expected.Shape]))
            return $"has shape [{string.Join(',', actual.shape)}]; expected [{string.Join(',', expected.Shape)}]";
        double[] left = TorchTensors.ToOnnx(actual.to_type(ScalarType.Float64)).ToDoubles();
        double[] right = TorchTensors.ToOnnx(TorchTensors.ToTorch(expected).to_type(ScalarType.Float64)).ToDoubles();
        bool half = expected.Type is ElementType.Float16 or ElementType.BFloat16;
        for (int i = 0; i < left.Length; i++)
        {
            bool same = left[i] == right[i] || double.IsNaN(left[i]) && double.IsNaN(right[i])
                || Math.Abs(left[i] - right[i]) <= (half ? HalfAbsolute : Absolute) + (half ? HalfRelative : Relative) * Math.Abs(right[i]);
            if (!same)
                return $"element {i} is {left[i]:G7}; expected {right[i]:G7}";
        }
        return null;
    }
}
