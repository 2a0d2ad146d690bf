namespace Tersor.Compression.Training;

/// <summary>Which constants of a model are trained. By default those that are weights by their role: kernels, matrices, biases, scales and shifts of normalizations, tables, learned additions of more than
/// one element; not statistics, not single numbers of a spelled-out activation, not shapes, not the scaling of the model's input.</summary>
public sealed record WeightSelection
{
    /// <summary>Names, with * and ?, of constants that are trained whatever their role.</summary>
    public IReadOnlyList<string> Train { get; init; } = [];

    /// <summary>Names, with * and ?, of constants that stay as they are. Where a name matches here and in <see cref="Train"/>, the longer pattern holds.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Names, with * and ?, of nodes whose weights stay as they are.</summary>
    public IReadOnlyList<string> FreezeNodes { get; init; } = [];
}
