using Tersor.Onnx;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Values as another type. Between floating-point types gradients pass; to integers and truth values they end.</summary>
internal static class Casts
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Cast", 1, c => To(c, c[0], c.Node.Text("to") is { } name ? Named(c, name) : (ElementType)c.Node.Int("to", 0))),
        new("Cast", 6, c => To(c, c[0], (ElementType)c.Node.Int("to", 0))),
        new("CastLike", 15, c => c.TypeOf(c.Node.Input(1)) is { } type ? To(c, c[0], type) : Carried(c[0], c[1].dtype)),
        new("BitCast", 26, Bits),
    ];

    private static Tensor To(OperatorCall call, Tensor x, ElementType type)
    {
        if (SmallFloat.Of(type) is { } format)
            return format.Round(Carried(x, call.Carrier(type)), saturate: call.Node.Int("saturate", 1) != 0);
        ScalarType carrier = call.Carrier(type);
        if (type == ElementType.Float8E8M0)
            return SmallFloat.RoundToPowers(Carried(x, carrier), call.Node.Text("round_mode") ?? "up");
        return type switch
        {
            // What libtorch carries in a wider type keeps the bits it has in its own.
            ElementType.UInt16 or ElementType.UInt32 or ElementType.UInt4 or ElementType.UInt2 => Lowest(x, type.Bits()).to_type(carrier),
            ElementType.Int4 or ElementType.Int2 => Signed(Lowest(x, type.Bits()), type.Bits()).to_type(carrier),
            _ => Carried(x, carrier),
        };
    }

    private static Tensor Carried(Tensor x, ScalarType type) => x.dtype == type ? x.alias() : x.to_type(type);

    private static Tensor Lowest(Tensor x, int bits) => x.to_type(ScalarType.Int64).bitwise_and(tensor((1L << bits) - 1));

    private static Tensor Signed(Tensor bits, int count) => bits - bits.bitwise_and(tensor(1L << (count - 1))) * 2;

    /// <summary>Operator sets before 6 name the type.</summary>
    private static ElementType Named(OperatorCall call, string name) => name switch
    {
        "FLOAT" => ElementType.Float32,
        "DOUBLE" => ElementType.Float64,
        "FLOAT16" => ElementType.Float16,
        _ => Enum.TryParse(name, ignoreCase: true, out ElementType type) ? type : throw call.Bad($"casts to '{name}', which is no type"),
    };

    private static OperatorResult Bits(OperatorCall call)
    {
        ElementType from = call.TypeOf(call.Node.Input(0)) ?? throw call.Unsupported("a value of unknown type"), to = (ElementType)call.Node.Int("to", 0);
        if (call.Run.Reals is not null && from.IsFloat())
            throw call.Unsupported($"bits of {from} carried in another type");
        OnnxTensor stored = TorchTensors.ToOnnx(call[0], from);
        return TorchTensors.ToTorch(OnnxTensor.FromBytes(to, [.. stored.Shape], stored.Bytes.ToArray()), call.Run.Reals);
    }
}
