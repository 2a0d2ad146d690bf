using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>One model that was tried, whatever form it has: everything that is in its file is judged together.</summary>
/// <param name="Name">What is special about it, in a few words.</param>
/// <param name="Mode">Where its ranges come from.</param>
/// <param name="Model">The model.</param>
/// <param name="Report">What was quantized, and what was not and why.</param>
/// <param name="Verdict">How good it is.</param>
internal sealed record Trial(string Name, QuantizationMode Mode, Model Model, PassReport Report, Verdict Verdict)
{
    /// <summary>What it was built from; null where it has no ranges from calibration.</summary>
    public StaticForm? Static { get; init; }

    /// <summary>What training gave; null where it was not trained.</summary>
    public Compression.Training.TrainingResult? Training { get; init; }

    /// <summary>Readers of weights that are stored as exact as they are although they could be stored small, by the name of their first output.</summary>
    public IReadOnlySet<string> Exact { get; init; } = new HashSet<string>();

    /// <summary>Trials of one placement with other numbers in it, such as a trained model and its start, have this in common: they are equally fast, and timed once. Null where a trial stands by itself.</summary>
    public string? Layout { get; init; }

    /// <summary>How many layers with weights that could run in 8 bits stay float in it.</summary>
    public int FloatLayers { get; init; }

    /// <summary>How many times faster than the original it is; null where that was not measured.</summary>
    public MedianInterval? SpeedUp { get; init; }

    /// <summary>Median latency; null where it was not measured.</summary>
    public double? Milliseconds { get; init; }

    /// <summary>Bytes of its weights.</summary>
    public long Bytes { get; } = Model.WeightBytes();

    /// <summary>For reports.</summary>
    public QuantizationCandidate Described(bool chosen) => new(Name, FloatLayers, Verdict.Metric?.Value, Verdict.Sqnr, SpeedUp, Milliseconds, Bytes, chosen) { Verdict = Verdict };
}

/// <summary>A statically quantized model before its remaining weights are stored.</summary>
/// <param name="Candidate">What runs in 8 bits.</param>
/// <param name="Calibrated">The float model it is a placement of.</param>
/// <param name="Numbers">Ranges, scales, repaired weights.</param>
internal sealed record StaticForm(PlacementCandidate Candidate, CalibratedModel Calibrated, QuantizationNumbers Numbers)
{
    /// <summary>Whether it is a placement of the model as it was given but for folding, not of the one rewritten for 8-bit kernels.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Repairs that are in it, in order.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];

    /// <summary>The model.</summary>
    public Model Build(out PassReport report) => Calibrated.Build(Candidate.Placement, Numbers with { Dynamic = Candidate.Dynamic }, out report);

    /// <summary>Trials of one placement with other numbers in it, such as a trained model and its start, have this in common: they are equally fast, and timed once. Null where a trial stands by itself.</summary>
    public string? Layout { get; init; }

    /// <summary>How many layers with weights that could run in 8 bits stay float.</summary>
    public int FloatLayers => Calibrated.Everything.Units.Count(u => u.IsLayer) - Candidate.Placement.Units.Count(u => u.IsLayer);
}
