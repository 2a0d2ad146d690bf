using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>What <see cref="GraphOptimizer"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record GraphOptimizerOptions
{
    /// <summary>How far to go. Default: <see cref="OptimizationLevel.Graph"/>.</summary>
    public OptimizationLevel Level { get; init; }

    /// <summary>Names of passes of the catalogue to run besides those of the level, with their default options and in this order. None may approximate. Default: none.</summary>
    public IReadOnlyList<string> With { get; init; } = [];

    /// <summary>Names of passes to leave out. Default: none.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>Sizes for open dimensions of the inputs. Default: they stay open.</summary>
    public FixDimensionsOptions FixDimensions { get; init; } = new();

    /// <summary>How constants are lifted.</summary>
    public LiftConstantsOptions LiftConstants { get; init; } = new();

    /// <summary>How constants are folded.</summary>
    public FoldConstantsOptions FoldConstants { get; init; } = new();

    /// <summary>How scales and shifts are folded.</summary>
    public FoldBatchNormalizationOptions FoldBatchNormalization { get; init; } = new();

    /// <summary>How operators that are written out are recognized; from <see cref="OptimizationLevel.Engine"/> on.</summary>
    public RecognizePatternsOptions RecognizePatterns { get; init; } = new();

    /// <summary>Which scales and shifts become convolutions; from <see cref="OptimizationLevel.Engine"/> on. Default: those by constants too.</summary>
    public NormalizationToConvolutionOptions NormalizationToConvolution { get; init; } = new() { ScalesAndShifts = true };

    /// <summary>Inputs to verify with, as a caller would feed them. Default: made-up ones.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? Samples { get; init; }

    /// <summary>Sizes of named dimensions in made-up samples. Default: several sizes are tried.</summary>
    public IReadOnlyDictionary<string, long> SampleDimensions { get; init; } = new Dictionary<string, long>();

    /// <summary>Largest difference an arithmetic step may make, relative to the largest element of the output. Default 1e-4.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>How often the passes are gone through at most. Default 8; most models are done after 3.</summary>
    public int MaxRounds { get; init; } = 8;

    /// <summary>How many times its size the file may become at most. Default 1.05.</summary>
    public double MaxGrowth { get; init; } = 1.05;

    /// <summary>Runs models for folding and verification. Default: in this process.</summary>
    public IModelRunner Runner { get; init; } = InProcessRunner.Instance;
}
