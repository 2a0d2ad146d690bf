using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>The type of a value by the best source that knows it: declared, observed, inferred.</summary>
/// <param name="observed">Types seen while running, or null.</param>
/// <param name="inferred">Types by static inference, or null.</param>
public sealed class ShapeLookup(ObservedShapes? observed, Func<Value, OnnxType?>? inferred = null)
{
    /// <summary>The type, or null when no source knows it: "unknown" is an answer.</summary>
    public OnnxType? this[Value value]
    {
        get
        {
            OnnxType?[] sources = [value.Type, observed?.Types.GetValueOrDefault(value), inferred?.Invoke(value)];
            return sources.FirstOrDefault(IsComplete) ?? sources.OfType<OnnxType>().MaxBy(Known);
        }
    }

    private static bool IsComplete(OnnxType? type) => type is not null and not OnnxType.Tensor { FixedShape: null };

    /// <summary>How much a type says: nothing, the rank, the names and sizes of its dimensions.</summary>
    private static int Known(OnnxType type) => type.AsTensor?.Shape is { } shape ? 1 + shape.Sum(d => d.Size is not null ? 2 : d.Symbol is not null ? 1 : 0) : 0;
}
