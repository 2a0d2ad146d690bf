using Tersor.Onnx;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using Tersor.Training.Operators;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Operators;

/// <summary>Compares what backpropagation gives with central differences: of a weighted sum of all floating-point outputs, with respect to each floating-point input.</summary>
/// <param name="test">The model and where it is looked at.</param>
/// <param name="differences">How many elements of each input are tried.</param>
internal sealed class GradientCheck(OperatorCase test, int differences)
{
    private const double Step = 1e-5;

    /// <summary>Where the slopes to the left and to the right differ by more than this, there is a kink.</summary>
    private const double Kink = 1e-3;

    private const double Relative = 1e-5, Absolute = 1e-7;

    /// <summary>Inputs that operators read as plain numbers, because they say how much or where: by operator, the index.</summary>
    private static readonly (string OpType, int Index)[] Numbers =
    [
        ("Dropout", 1), ("MaxRoiPool", 1), ("MelWeightMatrix", 3), ("MelWeightMatrix", 4), ("NonMaxSuppression", 3), ("NonMaxSuppression", 4), ("Pad", 2), ("Range", 0), ("Range", 1), ("Range", 2),
        ("Resize", 1), ("Resize", 2), ("RoiAlign", 1), ("Upsample", 1),
    ];

    private readonly List<Tensor?> weights = [];

    /// <summary>Elements whose gradient was compared.</summary>
    public int Checked { get; private set; }

    /// <summary>Elements left out.</summary>
    public int Skipped { get; private set; }

    /// <summary>Gradients that are wrong, in words.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Operators through which a gradient other than zero was compared.</summary>
    public HashSet<string> Covered { get; } = [];

    /// <summary>Compares.</summary>
    /// <returns>False where the model has a form that training does not run.</returns>
    public bool Run()
    {
        using IDisposable scope = NewDisposeScope();
        GraphProgram? program = null;
        try
        {
            program = new(test.Model, ScalarType.Float64);
            Compare(program);
            return true;
        }
        catch (TrainingException e) when (e.Message.Contains("no implementation", StringComparison.Ordinal) || e.Message.Contains("no place in training", StringComparison.Ordinal))
        {
            return false;
        }
        catch (TrainingException e)
        {
            Problems.Add($"{test.Name}: {e.Message}");
            return true;
        }
        finally
        {
            program?.Dispose();
        }
    }

    private void Compare(GraphProgram program)
    {
        Dictionary<string, Tensor> inputs = test.Inputs.ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value, ScalarType.Float64));
        string[] real = [.. test.Inputs.Where(i => i.Value.Type.IsFloat() && !IsNumber(i.Key)).Select(i => i.Key)];
        foreach (string name in real)
            inputs[name].requires_grad_(true);
        HashSet<string> passed = [];
        bool undefined = false;
        program.Watch = (node, outputs) =>
        {
            undefined |= outputs.OfType<Tensor>().Any(t => t.is_floating_point() && t.isnan().any().item<bool>());
            if (outputs.Any(o => o is Tensor { requires_grad: true } || o is TensorSequence sequence && sequence.Items.Any(t => t.requires_grad)))
                passed.Add(GradientTests.Key(node.IsStandard ? "" : node.Domain, node.OpType));
        };
        Tensor loss = Loss(program, inputs);
        program.Watch = null;
        if (undefined)
            return; // where a value on the way is not a number, no gradient behind it is, even if something else is chosen in its place
        if (loss.requires_grad)
            loss.backward();
        double value = TorchTensors.Number(loss);
        bool nonzero = false;
        Random random = new(Seed: 20260101);
        foreach (string name in real)
        {
            double[] at = TorchTensors.ToOnnx(inputs[name]).ToDoubles(), gradient = inputs[name].grad is { } found ? TorchTensors.ToOnnx(found).ToDoubles() : new double[at.Length];
            inputs[name] = inputs[name].detach();
            int[] places = at.Length <= differences ? [.. Enumerable.Range(0, at.Length)] : [.. Enumerable.Range(0, differences).Select(_ => random.Next(at.Length))];
            foreach (int place in places)
            {
                double step = Step * Math.Max(1, Math.Abs(at[place])), above = Moved(name, place, step), below = Moved(name, place, -step);
                double right = (above - value) / step, left = (value - below) / step, central = (above - below) / (2 * step);
                double noise = Absolute * (1 + Math.Abs(value)), size = Math.Max(Math.Abs(left), Math.Abs(right));
                bool same = Math.Abs(gradient[place] - central) <= Relative * size + noise;
                if (!double.IsFinite(central) || Math.Abs(right - left) > Kink * size + noise || !same && Jumps(name, place, step, central))
                {
                    Skipped++;
                    continue;
                }
                Checked++;
                nonzero |= Math.Abs(gradient[place]) > noise;
                if (!same)
                    Problems.Add($"{test.Name}: element {place} of '{name}' ({at[place]:G6}) has gradient {gradient[place]:G9}; differences give {central:G9}");
            }
        }
        if (nonzero)
            Covered.UnionWith(passed);

        // Over a jump the slope grows as the step shrinks.
        bool Jumps(string name, int place, double step, double slope) => Math.Abs(2 * (Moved(name, place, step / 4) - Moved(name, place, -step / 4)) / step - slope) > 0.1 * Math.Abs(slope);

        double Moved(string name, int place, double by)
        {
            using IDisposable scope = NewDisposeScope();
            using IDisposable none = no_grad();
            Dictionary<string, Tensor> moved = new(inputs);
            Tensor shift = zeros_like(inputs[name]);
            shift.view(-1).narrow(0, place, 1).fill_(by);
            moved[name] = inputs[name] + shift;
            return TorchTensors.Number(Loss(program, moved));
        }
    }

    private bool IsNumber(string input) => test.Model.Graph.Inputs.First(v => v.Name == input).Uses is { Count: > 0 } uses && uses.All(u => Numbers.Contains((u.Node.OpType, u.Index)));

    /// <summary>Σ weight · output over what is finite. The weights are random, and the same every time.</summary>
    private Tensor Loss(GraphProgram program, Dictionary<string, Tensor> inputs)
    {
        Tensor loss = zeros([], ScalarType.Float64);
        object?[] results = program.Run(inputs);
        for (int i = 0; i < results.Length; i++)
        {
            if (weights.Count <= i)
            {
                Random random = new(Seed: 100 + i);
                weights.Add(results[i] is Tensor first ? tensor(Enumerable.Range(0, (int)first.numel()).Select(_ => 2 * random.NextDouble() - 1).ToArray(), ScalarType.Float64) : null);
            }
            if (results[i] is Tensor { dtype: ScalarType.Float64 } result && result.numel() == weights[i]!.numel() && result.numel() > 0)
                loss = loss + (result.masked_fill(result.isfinite().logical_not(), 0).flatten() * weights[i]!).sum();
        }
        return loss;
    }
}
