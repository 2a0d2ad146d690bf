using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>What goes into a model or comes out of it: a tensor or one of ONNX's containers.</summary>
public abstract record RuntimeValue
{
    private RuntimeValue()
    {
    }

    /// <summary>A dense tensor.</summary>
    public sealed record Dense(Tensor Tensor) : RuntimeValue;

    /// <summary>Values of one type, in order. An empty sequence can come out of a model but not go into one.</summary>
    public sealed record Sequence(IReadOnlyList<RuntimeValue> Elements) : RuntimeValue;

    /// <summary>A map: keys (Int64 or String, one dimension) and as many values, in the same order.</summary>
    public sealed record Map(Tensor Keys, Tensor Values) : RuntimeValue;

    /// <summary>An optional value that is absent.</summary>
    public sealed record Absent : RuntimeValue;

    /// <summary>Tensors by name as values of any kind.</summary>
    public static IReadOnlyDictionary<string, RuntimeValue> All(IReadOnlyDictionary<string, Tensor> tensors) => tensors.ToDictionary(t => t.Key, t => (RuntimeValue)t.Value);

    /// <summary>A dense tensor.</summary>
    public static implicit operator RuntimeValue(Tensor tensor) => new Dense(tensor);
}
