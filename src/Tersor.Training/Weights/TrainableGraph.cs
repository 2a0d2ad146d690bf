using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Weights;

/// <summary>A model being trained: the graph that runs, the numbers that change, and how they get back into the model.</summary>
/// <remarks>Two copies of the model: one that is written at the end, as it was given but for its weights; one that runs, in which operators that were spelled out are one node again.</remarks>
internal sealed class TrainableGraph : IDisposable
{
    private readonly Model result;
    private readonly List<(Value Target, int Parameter)> targets = [];
    private readonly Dictionary<Value, Tensor> statistics = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Value, Value> statisticTargets = new(ReferenceEqualityComparer.Instance);

    /// <param name="model">Not modified.</param>
    /// <param name="settings">What is trained.</param>
    /// <param name="reals">What floating-point numbers are carried in.</param>
    /// <exception cref="TrainingException">It cannot be trained.</exception>
    public TrainableGraph(Model model, TrainingSettings settings, ScalarType reals = ScalarType.Float32)
    {
        result = model.Clone();
        FunctionInliner.InlineAll(result);
        WeightChooser chooser = new(settings.Weights);
        IReadOnlyList<ChosenWeight> chosen = chooser.Choose(result);
        Untouched = chooser.Untouched;
        (Model running, Dictionary<Value, Value> copies) = Running(chosen);
        Program = new(running, reals);
        Parameters = Parameterize(chosen, copies);
        Buffer = new(Parameters, [.. Parameters.Select(p => Initial(p, chosen, settings))], reals);
        for (int i = 0; i < Parameters.Count; i++)
        {
            foreach (Value value in Parameters[i].Stands)
                Program.Replaced[value] = Buffer.Leaf(i);
        }
        Program.State.NormalizesBatch = node => settings.BatchNormalization != BatchNormalizationMode.Freeze && node.Input(3)?.Tensor is not null && node.Input(4)?.Tensor is not null;
        Program.State.KeepStatistic = Keep;
        foreach ((Value target, Value copy) in copies.Where(c => IsStatistic(c.Value)))
        {
            statisticTargets[copy] = target;
            if (settings.Reinitialize)
                SetStatistic(copy, copy.Uses.Any(u => u.Node.Is("BatchNormalization") && u.Index == 4) ? ones_like(Program.ConstantOf(copy)) : zeros_like(Program.ConstantOf(copy)));
            else
                SetStatistic(copy, Program.ConstantOf(copy).clone());
        }
    }

    /// <summary>The graph that runs; parameters stand in it.</summary>
    public GraphProgram Program { get; }

    /// <summary>What is trained.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The numbers that are trained.</summary>
    public ParameterBuffer Buffer { get; }

    /// <summary>Running statistics of normalizations by the name of their constant; checkpoints hold them.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Statistics => statistics.Select(s => (s.Key.Name, s.Value));

    /// <summary>Floating-point constants that stay as they are, with the reason.</summary>
    public IReadOnlyList<(string Name, string Reason)> Untouched { get; }

    /// <summary>A copy of the model with the numbers as they are now.</summary>
    public Model Write()
    {
        foreach ((Value target, int parameter) in targets)
            target.SetTensor(TorchTensors.ToOnnx(Buffer.Leaf(parameter), target.Tensor!.Type));
        foreach ((Value value, Tensor tensor) in statistics)
            statisticTargets[value].SetTensor(TorchTensors.ToOnnx(tensor, value.Tensor!.Type));
        return result.Clone();
    }

    /// <summary>Sets running statistics to what a checkpoint holds.</summary>
    public void RestoreStatistics(Func<string, Tensor?> find)
    {
        foreach (Value value in statistics.Keys.ToArray())
        {
            if (find(value.Name) is { } tensor)
                SetStatistic(value, tensor.clone());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Program.Dispose();
        Buffer.Dispose();
        foreach (Tensor tensor in statistics.Values)
            tensor.Dispose();
    }

    /// <summary>A copy in which spelled-out operators are recognized, unless a weight would be lost with them.</summary>
    private (Model Running, Dictionary<Value, Value> Copies) Running(IReadOnlyList<ChosenWeight> chosen)
    {
        Model plain = result.Clone(), recognized = result.Clone();
        Dictionary<Value, Value> copies = Pairs(recognized);
        InferredTypes types = ShapeInference.Infer(recognized);
        Dictionary<Value, OnnxType> known = new(ReferenceEqualityComparer.Instance);
        foreach (Value value in recognized.AllGraphs().SelectMany(g => g.Inputs.Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>())))
        {
            if (types.TypeOf(value) is { } type)
                known[value] = type;
        }
        new RecognizePatternsPass(new()).Run(recognized, new() { ValueTypes = known });
        return chosen.All(c => copies[c.Value] is { IsUnused: false }) ? (recognized, copies) : (plain, Pairs(plain));
    }

    /// <summary>Constants of the result, and the same in a copy of it that nothing was changed in yet.</summary>
    private Dictionary<Value, Value> Pairs(Model copy)
    {
        Dictionary<Value, Value> pairs = new(ReferenceEqualityComparer.Instance);
        foreach ((Value original, Value copied) in Constants(result).Zip(Constants(copy)))
            pairs[original] = copied;
        return pairs;
    }

    private static IEnumerable<Value> Constants(Model model) => model.AllGraphs().SelectMany(g => g.Initializers.Concat(g.Nodes.Where(n => n.Is("Constant")).SelectMany(n => n.Outputs).OfType<Value>()));

    private static bool IsStatistic(Value value) => value.Tensor is not null && value.Uses.Any(u => u.Node.Is("BatchNormalization") && u.Index is 3 or 4);

    private List<Parameter> Parameterize(IReadOnlyList<ChosenWeight> chosen, Dictionary<Value, Value> copies)
    {
        List<Parameter> parameters = [];
        long offset = 0;
        foreach (IGrouping<string, ChosenWeight> tied in chosen.GroupBy(c => c.Value.Constraints.OfType<Constraint.Tie>().FirstOrDefault() is { } tie ? $"tie {tie.Group} {c.Value.Tensor}" : $"{parameters.Count} {c.Value.Name} {c.GetHashCode()}"))
        {
            ChosenWeight first = tied.First();
            Parameter parameter = new(first.Value.Name, [.. first.Value.Tensor!.Shape], offset, first.Role, [.. tied.Select(c => copies[c.Value])]);
            targets.AddRange(tied.Select(c => (c.Value, parameters.Count)));
            parameters.Add(parameter);
            offset += parameter.Length;
        }
        return parameters;
    }

    private OnnxTensor Initial(Parameter parameter, IReadOnlyList<ChosenWeight> chosen, TrainingSettings settings)
    {
        ChosenWeight weight = chosen.First(c => ReferenceEquals(c.Value, targets[targets.FindIndex(t => ReferenceEquals(Parameters[t.Parameter], parameter))].Target));
        return settings.Reinitialize ? Initializer.Start(weight, settings.Seed) : weight.Value.Tensor!;
    }

    private void Keep(Value value, Tensor found)
    {
        if (statistics.ContainsKey(value))
            SetStatistic(value, found.detach());
    }

    private void SetStatistic(Value value, Tensor tensor)
    {
        tensor.DetachFromDisposeScope();
        if (statistics.TryGetValue(value, out Tensor? old))
            old.Dispose();
        statistics[value] = tensor;
        Program.Replaced[value] = tensor;
    }
}
