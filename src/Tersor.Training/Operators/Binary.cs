using Tersor.Onnx;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Operators of two tensors that are broadcast against each other, and what they need before operator set 7 and for unsigned integers.</summary>
internal static class Binary
{
    /// <summary>The rows of an operator: before version 7 the second operand is placed by attributes.</summary>
    public static OperatorRow[] Rows(string opType, Func<Tensor, Tensor, Tensor> run) =>
    [
        new(opType, 1, c => Wrapped(c, run(c[0], Aligned(c)))),
        new(opType, 7, c => Wrapped(c, run(c[0], c[1]))),
    ];

    /// <summary>A result cut to the bits of its type, where that is an unsigned one that libtorch carries in a wider one.</summary>
    public static Tensor Wrapped(OperatorCall call, Tensor result)
    {
        if (result.is_floating_point() || result.dtype == ScalarType.Bool)
            return result;
        return call.TypeOf(call.Node.Output(0)) switch
        {
            ElementType.UInt16 => result.bitwise_and(tensor(0xFFFF, result.dtype)),
            ElementType.UInt32 => result.bitwise_and(tensor(0xFFFF_FFFFL, result.dtype)),
            _ => result,
        };
    }

    /// <summary>The second operand shaped so that today's broadcasting gives what operator sets before 7 mean by <c>broadcast</c> and <c>axis</c>.</summary>
    private static Tensor Aligned(OperatorCall call)
    {
        Tensor first = call[0], second = call[1];
        if (call.Node.Int("broadcast", 0) == 0 || call.Node.Int("axis") is not { } given)
            return second; // the last dimensions match
        long axis = call.Axis(given, first.dim());
        long after = first.dim() - axis - second.dim();
        return after <= 0 ? second : second.reshape([.. second.shape, .. Enumerable.Repeat(1L, (int)after)]);
    }
}
