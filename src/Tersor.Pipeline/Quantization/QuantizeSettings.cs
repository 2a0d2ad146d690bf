using System.Collections.Immutable;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>Where activations get their ranges from.</summary>
public enum QuantizationMode
{
    /// <summary>Static where there is calibration data, dynamic otherwise.</summary>
    Auto,

    /// <summary>From calibration data, before the model is deployed.</summary>
    Static,

    /// <summary>At run time, for MatMul, Gemm and LSTM only. Needs no data.</summary>
    Dynamic,

    /// <summary>Not at all: weights are stored in 8 bits and computed with in float. Needs no data; smaller, not faster.</summary>
    Weights,
}

/// <summary>How <see cref="QuantizeJob"/> quantizes. Immutable; change it with <c>with</c>.</summary>
public sealed record QuantizeSettings
{
    /// <summary>Where activations get their ranges from. Default: static where there is calibration data.</summary>
    public QuantizationMode Mode { get; init; } = QuantizationMode.Auto;

    /// <summary>How a range is chosen from what was observed; null: for each activation by the estimator that leaves the least error at the outputs, measured. Default null.</summary>
    public RangeEstimator? Ranges { get; init; }

    /// <summary>Ranges found before, by activation; null: they are found now. Default null.</summary>
    public CalibrationRanges? KnownRanges { get; init; }

    /// <summary>Repairs that are tried, by their <see cref="RepairNames"/>; each is kept only where it helps on held-out samples. Default: all.</summary>
    public ImmutableArray<string> Repairs { get; init; } = [.. RepairNames.All];

    /// <summary>What an earlier run measured and decided: nothing is measured, and the result follows from it. Null: measure and decide now. Default null.</summary>
    public QuantizationPlan? Plan { get; init; }

    /// <summary>Folder that keeps sensitivities from run to run, so that a search that was stopped goes on where it was; null: none are kept. Default null.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Use operators of ONNX's standard only, none of ONNX Runtime's own. Default: no.</summary>
    public bool StandardOperatorsOnly { get; init; }

    /// <summary>Rewrite the graph for the engine first. Default: yes.</summary>
    public bool Optimize { get; init; } = true;

    /// <summary>Calibration samples used, at most. Default 100.</summary>
    public int CalibrationSamples { get; init; } = 100;

    /// <summary>Samples on which each layer's share in the error is measured. 0 leaves the ranking out: everything is quantized. Default 8.</summary>
    public int SensitivitySamples { get; init; } = 8;

    /// <summary>Held-out samples on which candidates are judged, at most; null: as many as a decision needs. Default null.</summary>
    public int? SelectionSamples { get; init; }

    /// <summary>What the result may lose.</summary>
    public Budget Budget { get; init; } = new();

    /// <summary>How long the search may take, about; the best so far is the result. Null: no bound. Default null.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>How many times faster than float the result must be, at the lower end of the measurement's interval; null: faster at all, see <see cref="RequireSpeed"/>. Default null.</summary>
    public double? MinSpeedUp { get; init; }

    /// <summary>Bytes of weights the result may have at most; null: any. Default null.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>The kind of machine the result is for. Default: this one. What pays is measured here, all the same.</summary>
    public TargetMachine Target { get; init; } = TargetMachines.Here;

    /// <summary>What numbers activations and weights become; null: what suits the target. Default null.</summary>
    public NumberFormat? Format { get; init; }

    /// <summary>Names of nodes that stay float; <c>*</c> stands for any characters. Default: none.</summary>
    public ImmutableArray<string> KeepFloat { get; init; } = [];

    /// <summary>Where static quantization turns out slower than the float model on this machine, store weights in 8 bits and compute in float instead. Default: yes.</summary>
    /// <remarks>With training: quantize what makes the model fastest on this machine; without it, whatever can be, and nothing is timed.</remarks>
    public bool RequireSpeed { get; init; } = true;

    /// <summary>Store weights in 8 bits where their operator has no 8-bit form and computes in float (LSTM, ConvTranspose, embeddings ...). Smaller, not faster. Default: yes.</summary>
    public bool StoreWeights { get; init; } = true;

    /// <summary>Bits of weights that are only stored, 2..8; null: those of <see cref="Format"/>, or 8 where that is null too. Default null.</summary>
    public int? StoredWeightBits { get; init; }

    /// <summary>Weights of fewer elements stay float under dynamic quantization. Default 4096.</summary>
    public long MinElements { get; init; } = 4096;

    /// <summary>Draws the samples. The same seed draws the same. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Engine threads while calibrating and measuring. Default 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Bits of weights that are only stored.</summary>
    internal int StoredBits => StoredWeightBits ?? Format?.WeightBits ?? 8;

    /// <summary>Every broken rule, in words; empty when the settings are usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (CalibrationSamples < 1)
            yield return $"{nameof(CalibrationSamples)} is {CalibrationSamples}; expected 1 or more.";
        if (SensitivitySamples < 0)
            yield return $"{nameof(SensitivitySamples)} is {SensitivitySamples}; expected 0 or more.";
        if (SelectionSamples < 1)
            yield return $"{nameof(SelectionSamples)} is {SelectionSamples}; expected 1 or more.";
        if (TimeLimit is { } limit && limit <= TimeSpan.Zero)
            yield return $"{nameof(TimeLimit)} is {limit}; expected a time above 0.";
        if (Ranges is RangeEstimator.Percentile { Percent: var percent } && !(percent is > 50 and <= 100))
            yield return $"The percentile is {percent}; expected above 50 and at most 100.";
        foreach (string repair in Repairs.Where(r => !RepairNames.All.Contains(r)))
            yield return $"There is no repair '{repair}'; there are {string.Join(", ", RepairNames.All)}.";
        if (MinSpeedUp is { } speed && !(speed > 0 && double.IsFinite(speed)))
            yield return $"{nameof(MinSpeedUp)} is {speed}; expected a number above 0.";
        if (MaxBytes is < 1)
            yield return $"{nameof(MaxBytes)} is {MaxBytes}; expected 1 or more.";
        foreach (string problem in (Format?.Problems() ?? []).Concat(Budget.Problems()).Concat(Plan?.Problems() ?? []).Concat(KnownRanges?.Problems() ?? []))
            yield return problem;
        if (StoredWeightBits is < 2 or > 8)
            yield return $"{nameof(StoredWeightBits)} is {StoredWeightBits}; expected 2..8.";
        if (Threads < 0)
            yield return $"{nameof(Threads)} is {Threads}; expected 0 or more.";
    }
}
