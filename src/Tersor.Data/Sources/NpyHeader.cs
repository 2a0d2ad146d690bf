using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>What a .npy file says of its elements.</summary>
/// <param name="Type">Their type.</param>
/// <param name="Shape">Sizes of the array.</param>
/// <param name="SwapWidth">Bytes that are turned around at a time; 1: none.</param>
/// <param name="IsFortran">Whether the first dimension is the fastest.</param>
/// <param name="Start">Byte at which they begin.</param>
/// <param name="Bytes">How many bytes they take.</param>
internal sealed record NpyHeader(ElementType Type, long[] Shape, int SwapWidth, bool IsFortran, int Start, long Bytes);
