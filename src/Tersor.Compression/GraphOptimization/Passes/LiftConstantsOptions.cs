namespace Tersor.Compression.GraphOptimization;

/// <summary>What <see cref="LiftConstantsPass"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record LiftConstantsOptions
{
    /// <summary>Make initializers that a caller may override (IR version 4 and up lists them as inputs too) plain constants. Changes the model's interface. Default: no.</summary>
    public bool FreezeOverridable { get; init; }
}
