using System.IO.Enumeration;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Onnx.Roles;

namespace Tersor.Training.Weights;

/// <summary>A constant that is trained.</summary>
/// <param name="Value">The initializer or the Constant node's output.</param>
/// <param name="Uses">What computes with it; empty where only its name was asked for.</param>
/// <param name="Role">What it is to its first reader.</param>
internal sealed record ChosenWeight(Value Value, IReadOnlyList<ConstantUse> Uses, ConstantRole Role);

/// <summary>Which constants of a model are trained, and why the others are not.</summary>
internal sealed class WeightChooser(WeightSelection selection)
{
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
    /// <param name="model">Functions inlined, constants in several roles told apart.</param>
    /// <param name="mustFind">Whether there has to be something, because nothing else is trained.</param>
    /// <exception cref="TrainingException">A pattern matches nothing, or nothing is left to train.</exception>
    public IReadOnlyList<ChosenWeight> Choose(Model model, bool mustFind = true)
    {
        ConstantRoles roles = ConstantRoles.Of(model);
        Value[] constants = [.. roles.Constants.Where(v => v.Tensor is { Length: > 0 } tensor && tensor.Type.IsFloat())];
        foreach (string pattern in selection.Train.Concat(selection.Freeze))
        {
            if (!constants.Concat(roles.Constants.Where(IsQuantized)).Any(v => Matches(pattern, v.Name)))
                throw new TrainingException($"No floating-point or quantized constant of the model has a name like '{pattern}'. 'tersor inspect --roles' lists them.");
        }
        foreach (string pattern in selection.FreezeNodes.Where(p => !model.AllNodes().Any(n => Matches(p, n.Name))))
            throw new TrainingException($"No node of the model has a name like '{pattern}'. 'tersor inspect --layers' lists them.");
        List<ChosenWeight> chosen = [];
        foreach (Value value in constants)
        {
            IReadOnlyList<ConstantUse> uses = roles.UsesOf(value);
            if (Obstacle(value, uses) is { } reason)
                untouched.Add((value.Name, reason));
            else
                chosen.Add(new(value, uses, uses.Count > 0 ? uses[0].Role : ConstantRole.Operand));
        }
        return chosen.Count > 0 || !mustFind ? chosen : throw new TrainingException("The model has nothing to train: " + (untouched.Count == 0 ? "it holds no floating-point constants." : $"'{untouched[0].Name}' {untouched[0].Reason}."));
    }

    private string? Obstacle(Value value, IReadOnlyList<ConstantUse> uses)
    {
        if (IsFrozen(value))
            return $"is frozen by '{Longest(selection.Freeze, value.Name)}'";
        foreach (string pattern in selection.FreezeNodes)
        {
            if (uses.FirstOrDefault(u => u.Node is { } node && Matches(pattern, node.Name)) is { Node: { } frozen })
                return $"is read by '{frozen.Name}', which is frozen by '{pattern}'";
        }
        if (Longest(selection.Train, value.Name) is not null)
            return null;
        return uses.Count == 0 ? "is read by no operator" : uses.Any(u => Obstacle(u) is null) ? null : Obstacle(uses[0]);
    }

    private static string? Obstacle(ConstantUse use) => use.Role switch
    {
        // A state of zeros is a beginning, and was never learned.
        ConstantRole.InitialState when use.Constant.Tensor!.ToFloats().All(v => v == 0) => ConstantRoles.Words(use.Role),
        var role when ConstantRoles.IsTrained(role) => null,
        ConstantRole.Operand => $"is no weight to {use.Node!.OpType}: an operand of another kind",
        var role => ConstantRoles.Words(role),
    };

    private static bool IsQuantized(Value value) => value.Tensor?.Type.IsInteger() == true && value.Uses.Any(u => u.Index == 0 && u.Node.Is("DequantizeLinear", "Cast"));

    private static string? Longest(IReadOnlyList<string> patterns, string name) => patterns.Where(p => Matches(p, name)).MaxBy(p => p.Length);

    private static bool Matches(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
