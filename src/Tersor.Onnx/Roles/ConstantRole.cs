namespace Tersor.Onnx.Roles;

/// <summary>What a constant is, as its use shows: what training trains, what folding may merge and what quantization stores follow from it.</summary>
public enum ConstantRole
{
    /// <summary>The kernel of a convolution, the constant side of a matrix product.</summary>
    Weight,

    /// <summary>What is added to every output channel of a layer.</summary>
    Bias,

    /// <summary>What a normalization multiplies by.</summary>
    NormalizationScale,

    /// <summary>What a normalization adds.</summary>
    NormalizationShift,

    /// <summary>Running mean or variance of a normalization.</summary>
    Statistic,

    /// <summary>Weights of an LSTM, GRU or RNN, peepholes among them.</summary>
    RecurrentWeight,

    /// <summary>A table whose rows are looked up, positions among them.</summary>
    Table,

    /// <summary>The slope of PRelu for negative inputs.</summary>
    Slope,

    /// <summary>A tensor that activations are multiplied by or that is added to them.</summary>
    ScaleOrShift,

    /// <summary>What is joined to activations: a class token, the place holder of what is masked out.</summary>
    Token,

    /// <summary>The state a recurrent operator or a loop begins with.</summary>
    InitialState,

    /// <summary>What takes positions out: added before a Softmax, chosen by a Where, multiplied as 0 and 1.</summary>
    Mask,

    /// <summary>Mean, scale and the like that the model's input is prepared by.</summary>
    Preprocessing,

    /// <summary>What an operator is told beside its data: shapes, scales, sizes, axes, indices, limits, thresholds.</summary>
    Setting,

    /// <summary>Ones and zeros that an operator demands and that stand for nothing: the scale and shift inside an exported group normalization.</summary>
    Unit,

    /// <summary>A number, or an operand, of a formula: the 0.5 of a spelled-out activation.</summary>
    Coefficient,

    /// <summary>Integers, or packed numbers, that stand for a weight.</summary>
    QuantizedWeight,

    /// <summary>Scale or zero point of a quantized tensor.</summary>
    QuantizationParameter,

    /// <summary>An operand of another kind, or of an operator that is not known.</summary>
    Operand,

    /// <summary>Given out as it is.</summary>
    Output,
}
