using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Repair;

namespace Tersor.Compression;

/// <summary>Every pass, by the name it has on the command line, in recipes, in reports and in the documentation.</summary>
public static class PassCatalog
{
    /// <summary>The table: one line a pass.</summary>
    public static IReadOnlyList<PassEntry> Entries { get; } =
    [
        PassEntry.Of<FixDimensionsOptions>("fix-dimensions", "Give sizes to dimensions the inputs leave open", o => new FixDimensionsPass(o)),
        PassEntry.Of("inline-functions", "Put model-local functions in the place of their calls", () => new InlineFunctionsPass()),
        PassEntry.Of<LiftConstantsOptions>("lift-constants", "Turn Constant nodes into initializers", o => new LiftConstantsPass(o)),
        PassEntry.Of("remove-no-ops", "Remove nodes that give out what they take in", () => new RemoveNoOpsPass()),
        PassEntry.Of<FoldConstantsOptions>("fold-constants", "Compute once what depends on constants and fixed shapes alone", o => new FoldConstantsPass(o)),
        PassEntry.Of("merge-duplicates", "Merge equal initializers and nodes that compute the same", () => new MergeDuplicatesPass()),
        PassEntry.Of<FoldBatchNormalizationOptions>("fold-batch-normalization", "Fold BatchNormalization and constant scales and shifts into the layer beside them", o => new FoldBatchNormalizationPass(o)),
        PassEntry.Of<RecognizePatternsOptions>("recognize-patterns", "Turn HardSwish, LayerNormalization and others that are written out in small nodes into operators", o => new RecognizePatternsPass(o)),
        PassEntry.Of<RecognizeAttentionOptions>("recognize-attention", "Turn attention that is written out in small nodes into ONNX Runtime's MultiHeadAttention", o => new RecognizeAttentionPass(o)),
        PassEntry.Of("reduce-to-pooling", "Turn means over all spatial dimensions into GlobalAveragePool", () => new ReduceToPoolingPass()),
        PassEntry.Of<NormalizationToConvolutionOptions>("normalization-to-convolution", "Turn BatchNormalization that no layer can take into a depthwise convolution", o => new NormalizationToConvolutionPass(o)),
        PassEntry.Of("spread-gates", "Repeat the gates of squeeze-and-excitation over the picture, so that they stay in ONNX Runtime's own layout", () => new SpreadGatesPass()),
        PassEntry.Of("pooling-to-convolution", "Turn AveragePool into a depthwise convolution with equal weights, which is faster in 8 bits", () => new PoolingToConvolutionPass()),
        PassEntry.Of("shuffle-to-gather", "Turn channel shuffles, and slices behind them, into Gather", () => new ShuffleToGatherPass()),
        PassEntry.Of<PadChannelsOptions>("pad-channels", "Add channels of zeros up to a multiple of 16, which is faster in 8 bits", o => new PadChannelsPass(o)),
        PassEntry.Of("pad-input-channels", "Add a fourth channel of zeros to images of three, which is faster in 8 bits", () => new PadInputChannelsPass()),
        PassEntry.Of("remove-unreachable", "Remove nodes, initializers and functions no output depends on", () => new RemoveUnreachablePass()),
        PassEntry.Of<EqualizeLayersOptions>("equalize-layers", "Move scales of channels between layers so that their weights use the range of integers", o => new EqualizeLayersPass(o)),
        PassEntry.Of("expand-activations", "Write HardSwish as products that have an 8-bit form", () => new ExpandActivationsPass()),
        PassEntry.Of("widen-half", "Turn half-precision weights and values into single precision, the model's inputs and outputs apart", () => new WidenHalfPass()),
        PassEntry.Of<QuantizeDynamicOptions>("quantize-dynamic", "Compute MatMul and Gemm in 8 bits, with ranges found at run time", o => new QuantizeDynamicPass(o)),
        PassEntry.Of<QuantizeWeightsOptions>("quantize-weights", "Store weights in 8 bits and compute in float", o => new QuantizeWeightsPass(o)),
    ];

    /// <summary>The entry of that name, or null.</summary>
    public static PassEntry? Find(string name) => Entries.FirstOrDefault(e => e.Name == name);
}
