using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>What a search works on.</summary>
/// <param name="Original">The float model as it was given: what speed and closeness are measured against.</param>
/// <param name="Rewritten">The float model rewritten for the engine, made when it is first asked for: what 8 bits must be faster than.</param>
/// <param name="Samples">What is learned from, and what results are judged on.</param>
/// <param name="Noise">Few samples that layers, ranges and weights are ranked on.</param>
/// <param name="Judge">Judges whole models.</param>
/// <param name="StoreWeights">Stores weights small that compute in float, except those of nodes it is given a reason for.</param>
/// <param name="Time">Bounds the search.</param>
internal sealed record SearchInputs(Model Original, Lazy<Model> Rewritten, SampleSplit Samples, Lazy<OutputNoise> Noise, Judge Judge, Action<Model, PassReport, Func<Node, string?>, CancellationToken> StoreWeights, TimeLimit Time)
{
    /// <summary>The model rewritten for 8-bit kernels, and what is known of its values; null where nothing is calibrated.</summary>
    public Lazy<CalibratedModel>? Calibrated { get; init; }

    /// <summary>The same of the model as it was given but for folding; null where there is no such choice.</summary>
    public Lazy<CalibratedModel>? Plain { get; init; }

    /// <summary>Whether <see cref="Calibrated"/> itself is the model as it was given but for folding.</summary>
    public bool IsPlain { get; init; }
}
