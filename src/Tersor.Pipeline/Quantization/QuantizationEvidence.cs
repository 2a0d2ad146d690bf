namespace Tersor.Pipeline.Quantization;

/// <summary>What a histogram is of.</summary>
public enum TensorRole
{
    /// <summary>A constant that multiplies activations.</summary>
    Weight,

    /// <summary>A value between operators, over the calibration set.</summary>
    Activation,
}

/// <summary>How the values of a tensor are distributed, and the range its integers stand for.</summary>
/// <param name="Name">The value's name, or that of a weight's layer.</param>
/// <param name="Role">What it is.</param>
/// <param name="Low">Lower end of the first bin.</param>
/// <param name="High">Upper end of the last bin.</param>
/// <param name="Counts">Values by bin, of equal width. Exact zeros are in none.</param>
/// <param name="RangeLow">Least value its integers stand for.</param>
/// <param name="RangeHigh">Greatest value its integers stand for.</param>
/// <param name="Estimator">What chose the range.</param>
public sealed record TensorHistogram(string Name, TensorRole Role, double Low, double High, IReadOnlyList<double> Counts, double RangeLow, double RangeHigh, string Estimator);

/// <summary>Where the time of a run goes: one kind of operator, before and after.</summary>
/// <param name="Operator">The engine's name of the kernel.</param>
/// <param name="MillisecondsBefore">In the float model; 0 where it has none.</param>
/// <param name="MillisecondsAfter">In the result.</param>
public sealed record OperatorTime(string Operator, double MillisecondsBefore, double MillisecondsAfter);

/// <summary>A repair that was tried: measured without and with it on held-out samples.</summary>
/// <param name="Name">The repair.</param>
/// <param name="SqnrBefore">Signal to noise of the outputs without it, dB.</param>
/// <param name="SqnrAfter">The same with it.</param>
/// <param name="MetricBefore">The metric without it; null where there are no labels.</param>
/// <param name="MetricAfter">The same with it.</param>
/// <param name="Kept">Whether the result has it.</param>
public sealed record RepairTrial(string Name, double SqnrBefore, double SqnrAfter, double? MetricBefore, double? MetricAfter, bool Kept);

/// <summary>What a search measured beside its candidates: for reports.</summary>
public sealed record QuantizationEvidence
{
    /// <summary>Nothing was measured.</summary>
    public static QuantizationEvidence None { get; } = new();

    /// <summary>Weights and activations of the layers that were quantized.</summary>
    public IReadOnlyList<TensorHistogram> Histograms { get; init; } = [];

    /// <summary>Kernels by time, the dearest before first.</summary>
    public IReadOnlyList<OperatorTime> Operators { get; init; } = [];

    /// <summary>Repairs, in the order they were tried.</summary>
    public IReadOnlyList<RepairTrial> Repairs { get; init; } = [];
}
