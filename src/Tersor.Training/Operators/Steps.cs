using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>What implementations of several steps share.</summary>
internal static class Steps
{
    /// <summary>An implementation of several steps: the tensors between its inputs and its outputs are released when it is done.</summary>
    public static Func<OperatorCall, OperatorResult> Scoped(Func<OperatorCall, OperatorResult> run) => call =>
    {
        using DisposeScope scope = NewDisposeScope();
        OperatorResult result = run(call);
        Keep(result.Single);
        foreach (object? value in result.Several ?? [])
            Keep(value);
        return result;
    };

    /// <summary>float32 in place of half precision, for which many kernels of the CPU are missing; anything else as it is.</summary>
    public static Tensor Wide(Tensor tensor) => tensor.dtype == ScalarType.Float16 ? tensor.to_type(ScalarType.Float32) : tensor;

    /// <summary>A tensor in a type; the tensor itself where it has that type.</summary>
    public static Tensor As(Tensor tensor, ScalarType type) => tensor.dtype == type ? tensor : tensor.to_type(type);

    /// <summary>Product of lengths.</summary>
    public static long Product(long[] lengths)
    {
        long product = 1;
        foreach (long length in lengths)
            product *= length;
        return product;
    }

    /// <summary>The same number several times.</summary>
    public static long[] Repeat(long value, int count)
    {
        long[] values = new long[count];
        Array.Fill(values, value);
        return values;
    }

    /// <summary>Pads as libtorch takes them - last axis first, begin and end of an axis together - from begins and ends of the last axes.</summary>
    public static long[] TorchPads(ReadOnlySpan<long> begins, ReadOnlySpan<long> ends)
    {
        long[] pads = new long[2 * begins.Length];
        for (int i = 0; i < begins.Length; i++)
            (pads[^(2 * i + 2)], pads[^(2 * i + 1)]) = (begins[i], ends[i]);
        return pads;
    }

    private static void Keep(object? value)
    {
        if (value is Tensor tensor)
            tensor.MoveToOuterDisposeScope();
        else if (value is TensorSequence sequence)
        {
            foreach (Tensor item in sequence.Items)
                item.MoveToOuterDisposeScope();
        }
    }
}
