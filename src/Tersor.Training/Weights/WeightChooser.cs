using System.IO.Enumeration;
using Tersor.Compression.Training;
using Tersor.Onnx;

namespace Tersor.Training.Weights;

/// <summary>A constant that is trained.</summary>
/// <param name="Value">The initializer or the Constant node's output.</param>
/// <param name="Uses">What reads it as a weight; empty where only its name was asked for.</param>
/// <param name="Role">What it is to its first reader.</param>
internal sealed record ChosenWeight(Value Value, IReadOnlyList<WeightUse> Uses, WeightRole Role);

/// <summary>Which constants of a model are trained, and why the others are not.</summary>
internal sealed class WeightChooser(WeightSelection selection)
{
    /// <summary>Numbers beyond this are no weights: masks that stand for minus infinity.</summary>
    private const float LargestWeight = 1e4f;

    private readonly List<(string Name, string Reason)> untouched = [];

    /// <summary>Floating-point constants that stay as they are, with the reason.</summary>
    public IReadOnlyList<(string Name, string Reason)> Untouched => untouched;

    /// <summary>Whether a constant was asked to stay as it is.</summary>
    public bool IsFrozen(Value value)
    {
        string? train = Longest(selection.Train, value.Name), freeze = Longest(selection.Freeze, value.Name);
        return freeze is not null && !(train?.Length > freeze.Length);
    }

    /// <summary>Whether the weights of a node were asked to stay as they are.</summary>
    public bool IsFrozen(Node node) => selection.FreezeNodes.Any(p => Matches(p, node.Name));

    /// <summary>Chooses.</summary>
    /// <param name="model">Functions inlined.</param>
    /// <param name="mustFind">Whether there has to be something, because nothing else is trained.</param>
    /// <exception cref="TrainingException">A pattern matches nothing, or nothing is left to train.</exception>
    public IReadOnlyList<ChosenWeight> Choose(Model model, bool mustFind = true)
    {
        ILookup<Value, WeightUse> uses = model.Weights().ToLookup(u => u.Value, ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        Value[] constants = [.. model.AllConstants().Where(v => v.Tensor is { Length: > 0 } tensor && tensor.Type.IsFloat())];
        foreach (string pattern in selection.Train.Concat(selection.Freeze))
        {
            if (!constants.Concat(model.AllConstants().Where(IsQuantized)).Any(v => Matches(pattern, v.Name)))
                throw new TrainingException($"No floating-point or quantized constant of the model has a name like '{pattern}'. 'tersor inspect --weights' lists them.");
        }
        foreach (string pattern in selection.FreezeNodes.Where(p => !model.AllNodes().Any(n => Matches(p, n.Name))))
            throw new TrainingException($"No node of the model has a name like '{pattern}'. 'tersor inspect --layers' lists them.");
        List<ChosenWeight> chosen = [];
        foreach (Value value in constants)
        {
            WeightUse[] users = [.. uses[value]];
            if (Obstacle(value, users) is { } reason)
                untouched.Add((value.Name, reason));
            else
                chosen.Add(new(value, users, users.Length > 0 ? users[0].Role : WeightRole.Other));
        }
        return chosen.Count > 0 || !mustFind ? chosen : throw new TrainingException("The model has nothing to train: " + (untouched.Count == 0 ? "it holds no floating-point constants." : $"'{untouched[0].Name}' {untouched[0].Reason}."));
    }

    private string? Obstacle(Value value, WeightUse[] uses)
    {
        if (IsFrozen(value))
            return $"is frozen by '{Longest(selection.Freeze, value.Name)}'";
        foreach (string pattern in selection.FreezeNodes)
        {
            if (uses.FirstOrDefault(u => Matches(pattern, u.Node.Name)) is { } use)
                return $"is read by '{use.Node.Name}', which is frozen by '{pattern}'";
        }
        if (Longest(selection.Train, value.Name) is not null)
            return null;
        if (uses.Length == 0)
            return "is no weight of any operator";
        return uses.Any(u => Obstacle(u) is null) ? null : Obstacle(uses[0]);
    }

    private static string? Obstacle(WeightUse use)
    {
        switch (use.Role)
        {
            case WeightRole.Weight or WeightRole.Bias or WeightRole.NormalizationScale or WeightRole.NormalizationOffset or WeightRole.RecurrentInputWeight
                or WeightRole.RecurrentStateWeight or WeightRole.RecurrentPeephole or WeightRole.EmbeddingTable or WeightRole.Slope:
                return null;
            case WeightRole.Statistics:
                return "is a statistic of a normalization";
            case WeightRole.QuantizationScale or WeightRole.ZeroPoint or WeightRole.Quantized:
                return "belongs to a quantization";
            case WeightRole.Elementwise when use.Node.Is("Add", "Sub", "Mul") && use.Weight.Length > 1:
                return ReadsInput(use) ? "scales the model's input" : HoldsMask(use.Weight) ? "is a mask" : null;
            case WeightRole.Other when use.Node.Is("Concat", "Expand"): // a class token
                return HoldsMask(use.Weight) ? "is a mask" : null;
            default:
                return $"is no weight to {use.Node.OpType}: a single number, or an operand of another kind";
        }
    }

    private static bool ReadsInput(WeightUse use) => use.Node.Inputs.Any(i => i is { IsGraphInput: true, IsInitializer: false, Graph.IsMain: true });

    private static bool IsQuantized(Value value) => value.Tensor?.Type.IsInteger() == true && value.Uses.Any(u => u.Index == 0 && u.Node.Is("DequantizeLinear", "Cast"));

    private static bool HoldsMask(OnnxTensor tensor) => tensor.ToFloats().Any(x => !float.IsFinite(x) || Math.Abs(x) > LargestWeight);

    private static string? Longest(IReadOnlyList<string> patterns, string name) => patterns.Where(p => Matches(p, name)).MaxBy(p => p.Length);

    private static bool Matches(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
