namespace Tersor.Onnx.Roles;

/// <summary>What every constant of a model is. The one service that answers it: roles follow from how constants are used, through Identity, Cast, Transpose, Reshape, Slice, Concat, Gather and whatever else combines constants only.</summary>
/// <remarks>A snapshot: it describes the model as it was when it was made.</remarks>
public sealed class ConstantRoles
{
    private readonly Dictionary<Value, ConstantUse[]> uses = [];

    private ConstantRoles()
    {
    }

    /// <summary>Finds the roles of all constants, nested bodies and functions included.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="readsExternalData">Whether numbers in files beside the model are looked at where they decide: a mask and a learned bias stand at the same place. Default yes; otherwise such a constant counts as learned.</param>
    public static ConstantRoles Of(Model model, bool readsExternalData = true)
    {
        ConstantRoles roles = new();
        RoleFinder finder = new(model, readsExternalData);
        foreach (Value constant in model.AllConstants().Where(c => c.Tensor is not null))
            roles.uses[constant] = [.. finder.Uses(constant)];
        return roles;
    }

    /// <summary>Every constant, in model order.</summary>
    public IEnumerable<Value> Constants => uses.Keys;

    /// <summary>The operators that compute with a constant, each once; empty where none does.</summary>
    public IReadOnlyList<ConstantUse> UsesOf(Value constant) => uses.GetValueOrDefault(constant) ?? [];

    /// <summary>What a constant is: several roles where exporters stored equal numbers once.</summary>
    public IReadOnlyList<ConstantRole> RolesOf(Value constant) => [.. UsesOf(constant).Select(u => u.Role).Distinct()];

    /// <summary>Whether training changes what has a role.</summary>
    public static bool IsTrained(ConstantRole role) => role is ConstantRole.Weight or ConstantRole.Bias or ConstantRole.NormalizationScale or ConstantRole.NormalizationShift or ConstantRole.RecurrentWeight
        or ConstantRole.Table or ConstantRole.Slope or ConstantRole.ScaleOrShift or ConstantRole.Token or ConstantRole.InitialState;

    /// <summary>A role in words, as the end of a sentence that begins with the constant's name.</summary>
    public static string Words(ConstantRole role) => role switch
    {
        ConstantRole.Weight => "is a weight",
        ConstantRole.Bias => "is a bias",
        ConstantRole.NormalizationScale => "is the scale of a normalization",
        ConstantRole.NormalizationShift => "is the shift of a normalization",
        ConstantRole.Statistic => "is a statistic of a normalization",
        ConstantRole.RecurrentWeight => "is a recurrent weight",
        ConstantRole.Table => "is a table",
        ConstantRole.Slope => "is a slope",
        ConstantRole.ScaleOrShift => "scales or shifts activations",
        ConstantRole.Token => "is joined to activations",
        ConstantRole.InitialState => "is the state something begins with",
        ConstantRole.Mask => "is a mask",
        ConstantRole.Preprocessing => "prepares the model's input",
        ConstantRole.Setting => "is a shape, a scale, an index or another setting of an operator",
        ConstantRole.Unit => "stands for no scale and no shift",
        ConstantRole.Coefficient => "is a coefficient of a formula",
        ConstantRole.QuantizedWeight => "holds a weight in integers",
        ConstantRole.QuantizationParameter => "belongs to a quantization",
        ConstantRole.Output => "is given out as it is",
        _ => "is an operand of another kind",
    };
}
