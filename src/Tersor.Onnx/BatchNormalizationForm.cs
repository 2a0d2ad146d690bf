namespace Tersor.Onnx;

/// <summary>Tells a BatchNormalization in training form from one at inference; each version of the operator says it otherwise.</summary>
public static class BatchNormalizationForm
{
    /// <summary>True for a BatchNormalization that normalizes by the statistics of the batch, not by those it is given.</summary>
    /// <remarks>From operator set 14 on the attribute training_mode says so; from 7 on the number of outputs, read or not; before, the attribute is_test. An attribute that a function's caller gives counts as training.</remarks>
    public static bool NormalizesByBatch(this Node node) => node.Is("BatchNormalization") && node.OpsetVersion switch
    {
        >= 14 => node.Attributes.GetValueOrDefault("training_mode") is NodeAttribute.Reference || node.Int("training_mode", 0) != 0,
        >= 7 => node.Outputs.Count > 1,
        _ => node.Int("is_test", 0) == 0,
    };
}
