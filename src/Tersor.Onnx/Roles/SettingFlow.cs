namespace Tersor.Onnx.Roles;

/// <summary>Which values only tell operators what to do, shapes, scales, sizes, axes, indices and conditions, and are no data.</summary>
internal sealed class SettingFlow
{
    private readonly Dictionary<Value, bool> known = [];

    /// <summary>Whether an input of an operator is such a setting.</summary>
    public static bool IsSetting(Node node, int index) => node.IsStandard && (node.OpType, index) switch
    {
        ("Reshape" or "Expand" or "Tile" or "Upsample" or "Squeeze" or "Unsqueeze" or "Split" or "TopK" or "OneHot" or "CumSum" or "Trilu" or "Compress", 1) => true,
        ("Resize", >= 1) or ("Slice", >= 1) or ("Pad", >= 1) or ("Clip", >= 1) or ("Dropout", >= 1) or ("NonMaxSuppression", >= 2) or ("OneHot", 2) => true,
        ("Gather" or "GatherElements" or "GatherND" or "ScatterElements" or "ScatterND" or "Scatter", 1) or ("MaxUnpool", >= 1) or ("RoiAlign" or "MaxRoiPool", >= 1) => true,
        ("ReduceSum" or "ReduceMean" or "ReduceMax" or "ReduceMin" or "ReduceProd" or "ReduceL1" or "ReduceL2" or "ReduceLogSum" or "ReduceLogSumExp" or "ReduceSumSquare", 1) => true,
        ("Range" or "ConstantOfShape" or "EyeLike" or "Shape" or "Size" or "If" or "NonZero" or "HannWindow" or "HammingWindow" or "BlackmanWindow", _) => true,
        ("Loop", 0 or 1) or ("Where", 0) or ("LSTM" or "GRU" or "RNN", 4) or ("CenterCropPad" or "GridSample" or "AffineGrid" or "STFT" or "DFT", 1) => true,
        // Nothing is learned through an answer of yes or no, or through an index.
        ("Equal" or "Less" or "LessOrEqual" or "Greater" or "GreaterOrEqual" or "And" or "Or" or "Not" or "Xor" or "ArgMax" or "ArgMin" or "IsNaN" or "IsInf", _) => true,
        _ => false,
    };

    /// <summary>Whether everything that follows from a value is a setting: a constant that takes part in it is one too.</summary>
    public bool EndsHere(Value value)
    {
        if (known.TryGetValue(value, out bool answer))
            return answer;
        known[value] = false; // a circle, as an edit may leave one, is data
        return known[value] = value is { IsGraphOutput: false, Uses.Count: > 0 } && value.Uses.All(u => IsSetting(u.Node, u.Index) || IsDiscrete(u.Node) || IsOnlySetting(u.Node));
    }

    /// <summary>Whether all that a node gives are settings.</summary>
    public bool IsOnlySetting(Node node) => !node.Bodies.Any() && node.Outputs.OfType<Value>().Where(o => !o.IsUnused).ToArray() is { Length: > 0 } given && given.All(EndsHere);

    /// <summary>Whether a node makes whole numbers of what it is given.</summary>
    private static bool IsDiscrete(Node node) => node.Is("Cast") && node.Int("to") is { } type && !((ElementType)type).IsFloat();
}
