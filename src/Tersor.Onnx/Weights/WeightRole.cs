namespace Tersor.Onnx;

/// <summary>What a constant is to the operator that uses it.</summary>
public enum WeightRole
{
    /// <summary>The kernel of a convolution, the constant side of a matrix product.</summary>
    Weight,

    /// <summary>What is added to every output channel.</summary>
    Bias,

    /// <summary>What a normalization multiplies by.</summary>
    NormalizationScale,

    /// <summary>What a normalization adds.</summary>
    NormalizationOffset,

    /// <summary>Running mean or variance.</summary>
    Statistics,

    /// <summary>LSTM, GRU, RNN: what multiplies the input (W).</summary>
    RecurrentInputWeight,

    /// <summary>LSTM, GRU, RNN: what multiplies the state (R).</summary>
    RecurrentStateWeight,

    /// <summary>LSTM: peephole weights (P).</summary>
    RecurrentPeephole,

    /// <summary>A table whose rows are looked up.</summary>
    EmbeddingTable,

    /// <summary>The slope of PRelu for negative inputs.</summary>
    Slope,

    /// <summary>Integers that a DequantizeLinear turns into numbers, or a packed weight with its scales beside it.</summary>
    Quantized,

    /// <summary>The scale of a quantized tensor.</summary>
    QuantizationScale,

    /// <summary>The zero point of a quantized tensor.</summary>
    ZeroPoint,

    /// <summary>The constant operand of Add, Mul and the like that is no bias.</summary>
    Elementwise,

    /// <summary>Another floating-point constant of more than one element: initial states, operands of unknown operators.</summary>
    Other,
}
