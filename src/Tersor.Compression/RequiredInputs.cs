using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>Inputs an operator cannot do without. The engine refuses a model that leaves one out; passes, which may run where the engine was not asked, rely on them.</summary>
internal static class RequiredInputs
{
    private static readonly Dictionary<string, int> Counts = new(new (int Count, string[] Operators)[]
    {
        (1, ["Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Gelu", "Erf", "Softmax", "LogSoftmax", "Clip", "Neg", "Abs", "Sqrt", "Exp", "Reciprocal", "Cast", "Flatten", "Transpose", "Reshape", "Squeeze", "Unsqueeze",
            "Concat", "Split", "Slice", "Pad", "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum", "ReduceMax", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth", "Shape", "Dropout"]),
        (2, ["Add", "Sub", "Mul", "Div", "Pow", "MatMul", "Gemm", "Conv", "ConvTranspose", "Gather", "Expand", "PRelu", "QuantizeLinear", "DequantizeLinear", "LayerNormalization", "Equal", "Greater", "Less"]),
        (3, ["Where", "InstanceNormalization", "LSTM", "GRU", "RNN"]),
        (5, ["BatchNormalization"]),
    }.SelectMany(row => row.Operators.Select(o => KeyValuePair.Create(o, row.Count))));

    /// <summary>The first input that is missing, or the missing output, in words; null where all are there.</summary>
    public static string? Missing(Model model)
    {
        foreach (Node node in model.AllNodes().Where(n => n.IsStandard))
        {
            if (!Counts.TryGetValue(node.OpType, out int count))
                continue;
            for (int i = 0; i < count; i++)
            {
                if (node.Input(i) is null)
                    return $"{node} has no input {i}, which its operator requires.";
            }
            // A recurrent layer may give out any of its results.
            if (node.Output(0) is null && !node.Is("LSTM", "GRU", "RNN"))
                return $"{node} has no output.";
        }
        return null;
    }
}
