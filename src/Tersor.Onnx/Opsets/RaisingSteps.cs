using System.Collections.Frozen;
using Tersor.Onnx.Opsets.Steps;

namespace Tersor.Onnx.Opsets;

/// <summary>The table of steps: (operator, version it rises to) → rewriting. Marked with <c>*</c> in <see cref="OperatorHistory"/>.</summary>
internal static class RaisingSteps
{
    public static FrozenDictionary<(string OpType, long Version), Action<Node, StepContext>> All { get; } = Build().ToFrozenDictionary();

    private static Dictionary<(string, long), Action<Node, StepContext>> Build()
    {
        Dictionary<(string, long), Action<Node, StepContext>> steps = [];
        Add(6, OldAttributes.DropConsumedInputs, "Abs", "Add", "BatchNormalization", "Ceil", "Clip", "Div", "Dropout", "Elu", "Exp", "Floor", "HardSigmoid", "InstanceNormalization",
            "LeakyRelu", "Log", "Max", "Mean", "Min", "Mul", "Neg", "PRelu", "Reciprocal", "Relu", "Sigmoid", "Sqrt", "Sub", "Sum", "Tanh");
        Add(7, Broadcasting.Align, "Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor");
        Add(13, SoftmaxFamily.Unflatten, "Hardmax", "LogSoftmax", "Softmax");
        Add(13, (node, context) => context.IntsToInput(node, "axes", 1), "ReduceSum", "Squeeze", "Unsqueeze");
        Add(18, (node, context) => context.IntsToInput(node, "axes", 1),
            "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare");
        Add(7, OldAttributes.DropOutputSequence, "GRU", "LSTM", "RNN");
        Add(2, OldAttributes.RoundExponent, "GlobalLpPool", "LpPool");

        Add(7, Normalization.BatchNormalization7, "BatchNormalization");
        Add(9, Normalization.BatchNormalization9, "BatchNormalization");
        Add(14, Normalization.BatchNormalization14, "BatchNormalization");
        Add(6, OldAttributes.NumberCastTarget, "Cast");
        Add(11, AttributesToInputs.Clip, "Clip");
        Add(4, OldAttributes.StateConcatAxis, "Concat");
        Add(20, AttributesToInputs.Dft, "DFT");
        Add(7, Normalization.Dropout7, "Dropout");
        Add(10, Normalization.Dropout10, "Dropout");
        Add(12, AttributesToInputs.Dropout, "Dropout");
        Add(7, Broadcasting.DropForGemm, "Gemm");
        Add(20, OldAttributes.RenameGridSampleMode, "GridSample");
        Add(21, Normalization.GroupNormalization21, "GroupNormalization");
        Add(7, Broadcasting.AlignSlope, "PRelu");
        Add(2, OldAttributes.RenamePaddings, "Pad");
        Add(11, AttributesToInputs.Pad, "Pad");
        Add(5, AttributesToInputs.Reshape, "Reshape");
        Add(11, Resizing.Resize11, "Resize");
        Add(13, Resizing.Resize13, "Resize");
        Add(16, OldAttributes.StateRoiAlignMode, "RoiAlign");
        Add(9, Scanning.Scan9, "Scan");
        Add(11, OldAttributes.RenameScatter, "Scatter");
        Add(6, OldAttributes.StateSeluNumbers, "Selu");
        Add(10, AttributesToInputs.Slice, "Slice");
        Add(2, AttributesToInputs.Split2, "Split");
        Add(13, AttributesToInputs.Split13, "Split");
        Add(18, AttributesToInputs.Split18, "Split");
        Add(6, AttributesToInputs.Tile, "Tile");
        Add(10, AttributesToInputs.TopK, "TopK");
        Add(7, Resizing.Upsample7, "Upsample");
        Add(9, Resizing.Upsample9, "Upsample");
        Add(10, Resizing.Upsample10, "Upsample");
        return steps;

        void Add(long version, Action<Node, StepContext> step, params ReadOnlySpan<string> opTypes)
        {
            foreach (string opType in opTypes)
                steps.Add((opType, version), step);
        }
    }
}
