namespace Tersor.Pipeline.Quantization;

/// <summary>Repairs by the names that plan files, reports and the command line use, in the order they are applied.</summary>
public static class RepairNames
{
    /// <summary>Cross-layer equalization: changes the float model.</summary>
    public const string Equalize = "equalize";

    /// <summary>Outliers of activations moved into the weights that read them: changes the float model.</summary>
    public const string Migrate = "migrate";

    /// <summary>Weight scales with the least squared error, so that large weights are clipped.</summary>
    public const string Clip = "clip";

    /// <summary>What a layer's mean output loses is added to its bias.</summary>
    public const string Bias = "bias";

    /// <summary>Weights rounded so that the layer's output stays.</summary>
    public const string Round = "round";

    /// <summary>All of them, in order.</summary>
    public static IReadOnlyList<string> All { get; } = [Equalize, Migrate, Clip, Bias, Round];
}
