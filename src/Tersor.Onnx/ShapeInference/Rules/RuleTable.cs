using System.Collections.Frozen;

namespace Tersor.Onnx.Inference.Rules;

/// <summary>Operator → what it says of its outputs. One line a family; the rules themselves are in the classes named here.</summary>
internal static class RuleTable
{
    private static readonly FrozenDictionary<string, Action<NodeFacts>> Standard = BuildStandard().ToFrozenDictionary();
    private static readonly FrozenDictionary<string, Action<NodeFacts>> Microsoft = BuildMicrosoft().ToFrozenDictionary();

    public static Action<NodeFacts>? Find(Node node) => node.IsStandard ? Standard.GetValueOrDefault(node.OpType)
        : node.Domain == "com.microsoft" ? Microsoft.GetValueOrDefault(node.OpType)
        : null;

    private static Dictionary<string, Action<NodeFacts>> BuildStandard()
    {
        Dictionary<string, Action<NodeFacts>> rules = [];
        Add(Elementwise.SameAsFirst, "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Bernoulli", "BitwiseNot", "Ceil", "Celu", "Clip", "Cos", "Cosh", "CumProd", "CumSum", "Elu", "Erf", "Exp", "Floor", "Gelu",
            "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "InstanceNormalization", "LRN", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Neg", "PRelu", "RMSNormalization", "Reciprocal", "Relu",
            "ReverseSequence", "RotaryEmbedding", "Round", "Scatter", "ScatterElements", "ScatterND", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "TensorScatter", "ThresholdedRelu", "Trilu");
        Add(Elementwise.Identity, "Identity");
        Add(Elementwise.Variadic, "Add", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Max", "Mean", "Min", "Mod", "Mul", "Pow", "Sub", "Sum");
        Add(Elementwise.Comparison, "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor");
        Add(Elementwise.Predicate, "IsInf", "IsNaN", "Not");
        Add(Elementwise.Where, "Where");
        Add(Elementwise.Cast, "Cast");
        Add(Elementwise.CastLike, "CastLike");
        Add(Elementwise.Dropout, "Dropout");
        Add(Quantization.Quantize, "QuantizeLinear");
        Add(Quantization.Dequantize, "DequantizeLinear");
        Add(Quantization.DynamicQuantize, "DynamicQuantizeLinear");
        Add(Reductions.Reduce, "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare");
        Add(Reductions.ArgReduce, "ArgMax", "ArgMin");
        Add(Reductions.Loss, "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss");
        Add(Convolutions.Conv, "Conv", "ConvInteger", "QLinearConv", "DeformConv");
        Add(Convolutions.ConvTranspose, "ConvTranspose");
        Add(Convolutions.Pool, "AveragePool", "LpPool", "MaxPool");
        Add(Convolutions.GlobalPool, "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool");
        Add(Convolutions.RoiAlign, "RoiAlign");
        Add(Convolutions.GridSample, "GridSample");
        Add(Matrices.MatMul, "MatMul", "MatMulInteger");
        Add(Matrices.QLinearMatMul, "QLinearMatMul");
        Add(Matrices.Gemm, "Gemm");
        Add(Matrices.Einsum, "Einsum");
        Add(Matrices.Det, "Det");
        Add(Matrices.Attention, "Attention");
        Add(Normalizations.Batch, "BatchNormalization");
        Add(Normalizations.Layer, "LayerNormalization");
        Add(Recurrent.Rnn, "RNN", "LSTM", "GRU");
        Add(Constants.Constant, "Constant");
        Add(Constants.OfShape, "ConstantOfShape");
        Add(Constants.Range, "Range");
        Add(Constants.Shape, "Shape");
        Add(Constants.Size, "Size");
        Add(Constants.EyeLike, "EyeLike");
        Add(Constants.Random, "RandomNormal", "RandomUniform");
        Add(Constants.RandomLike, "RandomNormalLike", "RandomUniformLike");
        Add(Constants.Window, "BlackmanWindow", "HammingWindow", "HannWindow");
        Add(Layouts.Reshape, "Reshape");
        Add(Layouts.Flatten, "Flatten");
        Add(Layouts.Squeeze, "Squeeze");
        Add(Layouts.Unsqueeze, "Unsqueeze");
        Add(Layouts.Transpose, "Transpose");
        Add(Layouts.Expand, "Expand");
        Add(Layouts.Tile, "Tile");
        Add(Layouts.DepthToSpace, "DepthToSpace");
        Add(Layouts.SpaceToDepth, "SpaceToDepth");
        Add(Slices.Concat, "Concat");
        Add(Slices.Slice, "Slice");
        Add(Slices.Split, "Split");
        Add(Slices.Pad, "Pad");
        Add(Slices.Resize, "Resize", "Upsample");
        Add(Slices.CenterCropPad, "CenterCropPad");
        Add(Indexing.Gather, "Gather");
        Add(Indexing.GatherElements, "GatherElements");
        Add(Indexing.GatherNd, "GatherND");
        Add(Indexing.TopK, "TopK");
        Add(Indexing.OneHot, "OneHot");
        Add(Indexing.NonZero, "NonZero");
        Add(Indexing.Compress, "Compress");
        Add(Indexing.NonMaxSuppression, "NonMaxSuppression");
        Add(ControlFlow.If, "If");
        Add(ControlFlow.Loop, "Loop");
        Add(ControlFlow.Scan, "Scan");
        return rules;

        void Add(Action<NodeFacts> rule, params ReadOnlySpan<string> opTypes)
        {
            foreach (string opType in opTypes)
                rules.Add(opType, rule);
        }
    }

    private static Dictionary<string, Action<NodeFacts>> BuildMicrosoft() => new()
    {
        ["BiasGelu"] = Elementwise.SameAsFirst,
        ["FastGelu"] = Elementwise.SameAsFirst,
        ["Gelu"] = Elementwise.SameAsFirst,
        ["QuickGelu"] = Elementwise.SameAsFirst,
        ["QLinearLeakyRelu"] = Elementwise.SameAsFirst,
        ["QLinearSigmoid"] = Elementwise.SameAsFirst,
        ["QLinearSoftmax"] = Elementwise.SameAsFirst,
        ["SkipLayerNormalization"] = Normalizations.Skip,
        ["SkipSimplifiedLayerNormalization"] = Normalizations.Skip,
        ["FusedConv"] = Convolutions.Conv,
        ["FusedGemm"] = Matrices.Gemm,
        ["FusedMatMul"] = Matrices.FusedMatMul,
        ["MatMulNBits"] = Matrices.MatMulNBits,
        ["DynamicQuantizeMatMul"] = Matrices.MatMulToFloat,
        ["MatMulIntegerToFloat"] = Matrices.MatMulToFloat,
        ["QLinearAdd"] = Quantization.QLinearBinary,
        ["QLinearMul"] = Quantization.QLinearBinary,
        ["QLinearConcat"] = Quantization.QLinearConcat,
        ["QLinearAveragePool"] = Convolutions.Pool,
        ["QLinearGlobalAveragePool"] = Convolutions.GlobalPool,
        ["QuantizeLinear"] = Quantization.Quantize,
        ["DequantizeLinear"] = Quantization.Dequantize,
    };
}
