using System.Globalization;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Operators;

/// <summary>Gradients against differences of function values, in double precision, on ONNX's own backend tests.</summary>
public sealed class GradientTests(ITestOutputHelper output)
{
    private static readonly string[] Words = (Environment.GetEnvironmentVariable("TERSOR_CASES") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Functions with steps, of which differences say nothing, or whose output's size depends on numbers.</summary>
    private static readonly string[] Stepped = ["Quantize", "QLinear", "Integer", "Bernoulli", "Random", "Multinomial", "Dropout", "Unique", "Range"];

    /// <summary>A softmax over nothing but what is masked, spelled out: its NaN is replaced afterwards, but not in its gradient.</summary>
    private static readonly string[] FullyMasked = ["fullymasked", "mode3_softmax_precision_expanded"];

    [Fact]
    public void Gradients_are_what_differences_of_values_say()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> wrong = [];
        int right = 0;
        foreach (string folder in SharedFiles.BackendTests.Where(f => Words.Length == 0 || Words.Any(w => Path.GetFileName(f).Contains(w, StringComparison.OrdinalIgnoreCase))))
        {
            if (BackendTest.Load(folder, out _) is not { } test || test.Model.Graph.Nodes.Any(n => Stepped.Any(s => n.OpType.Contains(s, StringComparison.Ordinal))) || FullyMasked.Any(m => folder.Contains(m, StringComparison.Ordinal)))
                continue;
            using IDisposable scope = NewDisposeScope();
            try
            {
                if (Check(test) is not { } difference)
                    continue;
                if (difference.Length == 0)
                    right++;
                else
                    wrong.Add($"{test.Name}: {difference}");
            }
            catch (System.Runtime.InteropServices.ExternalException e)
            {
                wrong.Add($"{test.Name}: {e.Message.Split('\n')[0]}");
            }
            catch (TrainingException e) when (e.Message.Contains("no implementation", StringComparison.Ordinal) || e.Message.Contains("no place in training", StringComparison.Ordinal))
            {
            }
        }
        output.WriteLine($"{right} right");
        foreach (string one in wrong)
            output.WriteLine(one);
        Assert.Empty(wrong);
    }

    /// <summary>Null: nothing has a gradient; empty: it is right; otherwise how it is wrong.</summary>
    private static string? Check(BackendTest test)
    {
        Generator random = new Generator().manual_seed(20260101);
        using GraphProgram program = new(test.Model, ScalarType.Float64);
        Dictionary<string, Tensor> inputs = test.Inputs.ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value, ScalarType.Float64));
        List<Tensor> shares = [];
        foreach (Tensor input in inputs.Values.Where(i => i.is_floating_point()))
            input.requires_grad = true;
        Tensor value = Value();
        if (!value.requires_grad || !double.IsFinite(value.item<double>()))
            return null;
        value.backward();
        // Away from the round numbers of the tests, where maxima have ties and interpolation has kinks.
        foreach (string name in inputs.Keys.ToArray())
            inputs[name] = inputs[name].grad is null ? inputs[name].detach() : (inputs[name].detach() + 0.01 * randn(inputs[name].shape, ScalarType.Float64, generator: random)).requires_grad_();
        Value().backward();
        Dictionary<string, Tensor> directions = inputs.Where(i => i.Value.grad is not null).ToDictionary(i => i.Key, i => randn(i.Value.shape, ScalarType.Float64, generator: random));
        double slope = directions.Sum(d => (inputs[d.Key].grad! * d.Value).sum().item<double>());
        using IDisposable _ = no_grad();
        const double Step = 1e-6;
        double difference = (Moved(Step) - Moved(-Step)) / (2 * Step);
        bool same = Math.Abs(slope - difference) <= 1e-4 * Math.Max(1, Math.Max(Math.Abs(slope), Math.Abs(difference)));
        return same ? "" : string.Create(CultureInfo.InvariantCulture, $"the gradient of {string.Join(", ", directions.Keys)} says {slope:G7}; differences say {difference:G7}");

        double Moved(double step)
        {
            Dictionary<string, Tensor> kept = new(inputs);
            foreach ((string name, Tensor direction) in directions)
                inputs[name] = kept[name] + step * direction;
            double moved = Value().item<double>();
            foreach ((string name, Tensor input) in kept)
                inputs[name] = input;
            return moved;
        }

        Tensor Value()
        {
            Tensor sum = zeros([], ScalarType.Float64);
            object?[] results = program.Run(inputs);
            for (int i = 0; i < results.Length; i++)
            {
                if (shares.Count <= i)
                    shares.Add(results[i] is Tensor shaped ? randn(shaped.shape, ScalarType.Float64, generator: random) : zeros([]));
                if (results[i] is Tensor result && result.is_floating_point())
                    sum = sum + (result.to_type(ScalarType.Float64) * shares[i]).sum();
            }
            return sum;
        }
    }
}
