using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Roles;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using Tersor.Training.Operators;
using Tersor.Training.Weights.Forms;
using Tersor.Training.Weights.Quantized;
using static TorchSharp.torch;

namespace Tersor.Training.Weights;

/// <summary>A model being trained: the graph that runs, the numbers that change, and how they get back into the model.</summary>
/// <remarks>Two copies of the model: one that is written at the end, as it was given but for its weights; one that runs, in which operators that were spelled out are one node again.</remarks>
internal sealed class TrainableGraph : IDisposable
{
    private readonly Model result;
    private readonly List<(Value Target, int Parameter)> targets = [];
    private readonly Dictionary<Value, Tensor> statistics = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Value, string> statisticNames = new(ReferenceEqualityComparer.Instance); // constants of different bodies may share one
    private readonly Dictionary<int, IWeightForm> forms = [];
    private readonly Dictionary<Value, Value> statisticTargets = new(ReferenceEqualityComparer.Instance);
    private readonly IReadOnlyList<HelperParameter> helpers;
    private readonly IReadOnlyList<RestoredNormalization> restored;
    private readonly QuantizedWeights quantized;

    /// <param name="model">Not modified.</param>
    /// <param name="settings">What is trained.</param>
    /// <param name="reals">What floating-point numbers are carried in.</param>
    /// <param name="helpers">What is trained beside the model, and not written; null: nothing.</param>
    /// <param name="needed">Names of values that must be in the graph that runs; null: none but its outputs.</param>
    /// <param name="latent">What constants in integers were rounded from, by their name; null: they start from what they stand for.</param>
    /// <exception cref="TrainingException">It cannot be trained.</exception>
    public TrainableGraph(Model model, TrainingSettings settings, ScalarType reals = ScalarType.Float32, IReadOnlyList<HelperParameter>? helpers = null, IReadOnlyCollection<string>? needed = null,
        IReadOnlyDictionary<string, OnnxTensor>? latent = null)
    {
        this.helpers = helpers ?? [];
        result = model.Clone();
        FunctionInliner.InlineAll(result);
        Split = ConstantSplitter.SplitByRole(result);
        WeightChooser chooser = new(settings.Weights);
        QuantizedParts parts = QuantizedParts.Find(result, chooser, settings.LearnScales);
        IReadOnlyList<ChosenWeight> chosen = chooser.Choose(result, mustFind: parts.Constants.Count == 0);
        Untouched = [.. chooser.Untouched.Where(u => !parts.Learns(u.Name))];
        quantized = new(parts, latent ?? new Dictionary<string, OnnxTensor>());
        (Model running, IReadOnlyDictionary<Value, Value> copies) = Running(chosen, needed ?? []);
        restored = settings is { Reinitialize: true, BatchNormalization: BatchNormalizationMode.Train } ? RestoredNormalization.Insert(running, chosen, copies) : [];
        Program = new(running, reals);
        Parameters = [.. Parameterize(chosen, copies)];
        Buffer = new(Parameters, [.. Parameters.Select(p => p.Start ?? Initial(p, chosen, settings))], reals);
        for (int i = 0; i < Parameters.Count; i++)
        {
            foreach (Value value in Parameters[i].Stands)
                Program.Replaced[value] = Buffer.Leaf(i);
        }
        Constrain(chosen, settings);
        quantized.AddForms(Parameters, Buffer, Program, forms);
        foreach ((int index, double factor) in quantized.GradientFactors(Parameters, Program))
            Scale(index, factor);
        HashSet<Value> own = new(restored.SelectMany(r => r.Constants), ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        Program.State.NormalizesBatch = node => settings.BatchNormalization != BatchNormalizationMode.Freeze && node.Input(3) is { Tensor: not null } mean && node.Input(4) is { Tensor: not null } variance
            && (own.Contains(mean) || !chooser.IsFrozen(mean) && !chooser.IsFrozen(variance) && !chooser.IsFrozen(node));
        Program.State.KeepStatistic = Keep;
        foreach ((Value target, Value copy) in copies.Where(c => IsStatistic(c.Value)))
        {
            statisticTargets[copy] = target;
            if (settings.Reinitialize)
                SetStatistic(copy, copy.Uses.Any(u => u.Node.Is("BatchNormalization") && u.Index == 4) ? ones_like(Program.ConstantOf(copy)) : zeros_like(Program.ConstantOf(copy)));
            else
                SetStatistic(copy, Program.ConstantOf(copy).clone());
        }
        foreach (Value statistic in restored.SelectMany(r => r.Constants[2..]))
            SetStatistic(statistic, Program.ConstantOf(statistic).clone());
    }

    /// <summary>The graph that runs; parameters stand in it.</summary>
    public GraphProgram Program { get; }

    /// <summary>What is trained.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The numbers that are trained.</summary>
    public ParameterBuffer Buffer { get; }

    /// <summary>Running statistics of normalizations by the name of their constant; checkpoints hold them.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Statistics => statistics.Select(s => (statisticNames[s.Key], s.Value));

    /// <summary>Floating-point constants that stay as they are, with the reason.</summary>
    public IReadOnlyList<(string Name, string Reason)> Untouched { get; }

    /// <summary>Constants that stood for several things and are told apart.</summary>
    public IReadOnlyList<SplitConstant> Split { get; }

    /// <summary>Whether there is a batch normalization whose statistics follow the batches.</summary>
    public bool NormalizesBatches => Program.Model.AllNodes().Any(n => n.Is("BatchNormalization") && Program.State.NormalizesBatch(n));

    /// <summary>Batch normalizations whose statistics follow the batches by 0.9 though their momentum is 1, by name.</summary>
    public IReadOnlyList<string> UntoldMomenta => [.. Program.Model.AllNodes().Where(n => n.Is("BatchNormalization") && Normalizations.IsMomentumUntold(n) && Program.State.NormalizesBatch(n)).Select(n => n.ToString())];

    /// <summary>What gradients are multiplied by before a step: 0 where a number must stay as it is. Null: nothing.</summary>
    public Tensor? GradientFactors { get; private set; }

    /// <summary>Makes the weights that follow from what is trained: once for every computation that gradients go back through. They are owned by the current scope.</summary>
    public void Refresh()
    {
        foreach ((int parameter, IWeightForm form) in forms)
        {
            Tensor weight = form.Weight();
            foreach (Value value in Parameters[parameter].Stands)
                Program.Replaced[value] = weight;
        }
    }

    /// <summary>A helper as the leaf of a computation. Not owned by the caller.</summary>
    public Tensor Helper(string name) => Buffer.Leaf(Parameters.ToList().FindIndex(p => p.IsHelper && p.Name == name));

    /// <summary>Something of every parameter that is part of the model, by the name of its constant.</summary>
    /// <exception cref="TrainingException">Two constants in different bodies have the same name.</exception>
    public Dictionary<string, T> ByName<T>(Func<Parameter, T> give)
    {
        Dictionary<string, T> named = [];
        foreach (Parameter parameter in Parameters.Where(p => !p.IsHelper))
        {
            if (!named.TryAdd(parameter.Name, give(parameter)))
                throw new TrainingException($"Two constants are called '{parameter.Name}', in different bodies; nothing can be told of them by name. Rename one.");
        }
        return named;
    }

    /// <summary>A copy of the model with the numbers as they are now.</summary>
    public Model Write()
    {
        using IDisposable _ = no_grad();
        foreach ((Value target, int parameter) in targets)
        {
            using IDisposable scope = NewDisposeScope();
            target.SetTensor(TorchTensors.ToOnnx(forms.TryGetValue(parameter, out IWeightForm? form) ? form.Weight() : Buffer.Leaf(parameter), target.Tensor!.Type));
        }
        foreach (RestoredNormalization normalization in restored)
        {
            using IDisposable scope = NewDisposeScope();
            Tensor[] now = [.. normalization.Constants.Select(c => Program.Replaced[c])];
            (Tensor weight, Tensor bias) = RestoredNormalization.Fold(Buffer.Leaf(targets.First(t => ReferenceEquals(t.Target, normalization.Weight)).Parameter), now[0], now[1], now[2], now[3]);
            normalization.Weight.SetTensor(TorchTensors.ToOnnx(weight, normalization.Weight.Tensor!.Type));
            normalization.Bias.SetTensor(TorchTensors.ToOnnx(bias, normalization.Bias.Tensor!.Type));
        }
        quantized.Write();
        foreach ((Value value, Tensor tensor) in statistics.Where(s => statisticTargets.ContainsKey(s.Key)))
            statisticTargets[value].SetTensor(TorchTensors.ToOnnx(tensor, value.Tensor!.Type));
        return result.Clone();
    }

    /// <summary>Sets running statistics to what a checkpoint holds.</summary>
    public void RestoreStatistics(Func<string, Tensor?> find)
    {
        foreach (Value value in statistics.Keys.ToArray())
        {
            if (find(statisticNames[value]) is { } tensor)
                SetStatistic(value, tensor.clone());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Program.Dispose();
        Buffer.Dispose();
        GradientFactors?.Dispose();
        foreach (IDisposable form in forms.Values.OfType<IDisposable>())
            form.Dispose();
        foreach (Tensor tensor in statistics.Values)
            tensor.Dispose();
    }

    /// <summary>A copy in which spelled-out operators are recognized, unless a weight, or a value that is looked at, would be lost with them.</summary>
    private (Model Running, IReadOnlyDictionary<Value, Value> Copies) Running(IReadOnlyList<ChosenWeight> chosen, IReadOnlyCollection<string> needed)
    {
        Model recognized = result.Clone(out IReadOnlyDictionary<Value, Value> copies);
        quantized.PutFloats(copies);
        RunningModel.Recognize(recognized);
        FusedQuantization.Fuse(recognized, needed);
        if (chosen.All(c => copies[c.Value] is { IsUnused: false }) && quantized.AreUsed && needed.All(n => RunningModel.Find(recognized, n) is not null))
            return (recognized, copies);
        Model plain = result.Clone(out copies);
        quantized.PutFloats(copies);
        FusedQuantization.Fuse(plain, needed);
        return (plain, copies);
    }

    private static bool IsStatistic(Value value) => value.Tensor is not null && value.Uses.Any(u => u.Node.Is("BatchNormalization") && u.Index is 3 or 4);

    private List<Parameter> Parameterize(IReadOnlyList<ChosenWeight> chosen, IReadOnlyDictionary<Value, Value> copies)
    {
        List<Parameter> parameters = [];
        long offset = 0;
        HashSet<Value> folded = new(restored.Select(r => r.Bias), ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach (IGrouping<string, ChosenWeight> tied in chosen.Where(c => !folded.Contains(c.Value)).GroupBy(c => c.Value.Constraints.OfType<Constraint.Tie>().FirstOrDefault() is { } tie ? $"tie {tie.Group} {c.Value.Tensor}" : $"{parameters.Count} {c.Value.Name} {c.GetHashCode()}"))
        {
            ChosenWeight first = tied.First();
            Parameter parameter = new(first.Value.Name, [.. first.Value.Tensor!.Shape], offset, [.. tied.Select(c => copies[c.Value])]);
            targets.AddRange(tied.Select(c => (c.Value, parameters.Count)));
            parameters.Add(parameter);
            offset += parameter.Length;
            if (first.Value.Constraints.OfType<Constraint.Codebook>().Any())
            {
                // The shared values are trained beside the latent numbers that choose among them.
                Parameter codebook = new($"{parameter.Name}/codebook", [first.Value.Tensor!.ToFloats().Distinct().Count()], offset, []);
                parameters.Add(codebook with { Start = OnnxTensor.Create([codebook.Length], [.. first.Value.Tensor!.ToFloats().Distinct().Order()]) });
                offset += codebook.Length;
            }
        }
        foreach (Value constant in restored.SelectMany(r => r.Constants[..2]))
        {
            parameters.Add(new(constant.Name, [.. constant.Tensor!.Shape], offset, [constant]) { IsHelper = true, Start = constant.Tensor });
            offset += parameters[^1].Length;
        }
        foreach (HelperParameter helper in helpers)
        {
            parameters.Add(new(helper.Name, [.. helper.Start.Shape], offset, []) { IsHelper = true, Start = helper.Start });
            offset += parameters[^1].Length;
        }
        parameters.AddRange(quantized.Parameters(offset));
        return parameters;
    }

    private void Constrain(IReadOnlyList<ChosenWeight> chosen, TrainingSettings settings)
    {
        foreach ((Value target, int index) in targets)
        {
            foreach (Constraint constraint in target.Constraints)
            {
                switch (constraint)
                {
                    case Constraint.Mask or Constraint.NOfM:
                        KeepZeros(target.Tensor!, index);
                        break;
                    case Constraint.Grid grid:
                        forms[index] = new GridForm(Buffer.Leaf(index), grid);
                        break;
                    case Constraint.Codebook:
                        forms[index] = new CodebookForm(Buffer.Leaf(index), Buffer.Leaf(index + 1));
                        // Zeros that must stay are all one value of the codebook.
                        if (target.Constraints.Any(c => c is Constraint.Mask or Constraint.NOfM))
                            KeepZeros(Parameters[index + 1].Start!, index + 1);
                        break;
                }
            }
        }
        foreach ((QuantizedConstant constant, int index) in quantized.Indices(Parameters))
        {
            if (constant.Integers.Constraints.Any(c => c is Constraint.Mask or Constraint.NOfM))
                KeepZeros(QuantizedParts.Floats(constant), index);
        }
        if (settings.Reinitialize && quantized.Any)
            throw new TrainingException("The model is quantized; its steps are those of the weights it has, and it cannot start from random ones. Train without --reinitialize.");
        if (settings.Reinitialize && chosen.FirstOrDefault(c => c.Value.Constraints.Any(k => k is Constraint.Grid or Constraint.Codebook)) is { } bound)
            throw new TrainingException($"'{bound.Value.Name}' holds few values only, found from its numbers; it cannot start from random ones. Train without --reinitialize.");
    }

    private void Scale(int index, double factor)
    {
        using IDisposable _ = no_grad();
        GradientFactors ??= ones_like(Buffer.Values).DetachFromDisposeScope();
        using IDisposable scope = NewDisposeScope();
        Parameters[index].In(GradientFactors).mul_(factor);
    }

    /// <summary>Zeros of a weight stay zero: neither gradient nor momentum nor decay moves them.</summary>
    private void KeepZeros(OnnxTensor weight, int index)
    {
        using IDisposable _ = no_grad();
        using IDisposable scope = NewDisposeScope();
        GradientFactors ??= ones_like(Buffer.Values).DetachFromDisposeScope();
        Parameter parameter = Parameters[index];
        Tensor kept = TorchTensors.ToTorch(weight, Buffer.Values.dtype).ne(0).to_type(Buffer.Values.dtype);
        parameter.In(GradientFactors).mul_(kept);
        parameter.In(Buffer.Values).mul_(kept);
    }

    private OnnxTensor Initial(Parameter parameter, IReadOnlyList<ChosenWeight> chosen, TrainingSettings settings)
    {
        ChosenWeight weight = chosen.First(c => ReferenceEquals(c.Value, targets[targets.FindIndex(t => ReferenceEquals(Parameters[t.Parameter], parameter))].Target));
        return settings.Reinitialize ? Initializer.Start(weight, settings.Seed, restored.Any(r => ReferenceEquals(r.Weight, weight.Value))) : weight.Value.Tensor!;
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
        if (!statisticNames.ContainsKey(value))
            statisticNames[value] = statisticNames.ContainsValue(value.Name) ? $"{value.Name}#{statisticNames.Count}" : value.Name;
        statistics[value] = tensor;
        Program.Replaced[value] = tensor;
    }
}
