
namespace Tersor.Training.Operators;

/// <summary>What an operator gives: tensors, or a sequence of them. Each is owned by the run afterwards, so that an operator that passes its input on gives an alias of it.</summary>
internal readonly struct OperatorResult
{
    private OperatorResult(object? single, object?[]? several) => (Single, Several) = (single, several);

    /// <summary>The only output.</summary>
    public object? Single { get; }

    /// <summary>The outputs in the operator's order; null where there is only one.</summary>
    public object?[]? Several { get; }

    public static implicit operator OperatorResult(Tensor? tensor) => new(tensor, null);

    public static implicit operator OperatorResult(Tensor?[] tensors) => new(null, tensors);

    public static implicit operator OperatorResult((Tensor? First, Tensor? Second) pair) => new(null, [pair.First, pair.Second]);

    public static implicit operator OperatorResult(TensorSequence sequence) => new(sequence, null);

    public static OperatorResult Of(object?[] values) => new(null, values);

    /// <summary>Keeps the results when the scope they were made in ends.</summary>
    public OperatorResult MoveToOuterDisposeScope()
    {
        foreach (object? value in Several ?? [Single])
        {
            foreach (Tensor tensor in value is TensorSequence sequence ? sequence.Items : value is Tensor single ? [single] : [])
                tensor.MoveToOuterDisposeScope();
        }
        return this;
    }
}

/// <summary>A sequence of tensors, as ONNX's sequence type has it.</summary>
/// <param name="items">Its elements; owned by it.</param>
internal sealed class TensorSequence(IReadOnlyList<Tensor> items) : IDisposable
{
    public IReadOnlyList<Tensor> Items { get; } = items;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor item in Items)
            item.Dispose();
    }

    /// <summary>A sequence of its own that shares the elements' memory.</summary>
    public TensorSequence Alias() => new([.. Items.Select(i => i.alias())]);
}
