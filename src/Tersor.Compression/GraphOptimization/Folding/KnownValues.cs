using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>What values hold that depend on constants alone: tensors, and sequences of them.</summary>
internal sealed class KnownValues
{
    private readonly Dictionary<Value, Tensor> tensors = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Value, ConstantSequence> sequences = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);

    /// <summary>Computed tensors. A sequence cannot be stored.</summary>
    public Dictionary<Value, Tensor> Tensors => tensors;

    /// <summary>Whether it is known what the value holds.</summary>
    public bool Contains(Value value) => sequences.ContainsKey(value) || Tensor(value) is not null;

    /// <summary>The tensor it holds, computed or constant; null where it is not known.</summary>
    public Tensor? Tensor(Value value) => tensors.GetValueOrDefault(value) ?? value.Constant;

    /// <summary>The sequence it holds; null where it is not known.</summary>
    public ConstantSequence? Sequence(Value value) => sequences.GetValueOrDefault(value);

    /// <summary>Elements, of all tensors of a sequence; null where it is not known what the value holds.</summary>
    public double? Length(Value value) => Sequence(value) is { } sequence ? sequence.Elements.Sum(e => (double)e.Length) : Tensor(value)?.Length;

    /// <summary>Says what a value holds.</summary>
    public void Set(Value value, Tensor tensor) => tensors[value] = tensor;

    /// <summary>Says what a value holds, as the engine gives it out; maps and sequences of anything but tensors stay unknown.</summary>
    public void Set(Value value, RuntimeValue given)
    {
        if (given is RuntimeValue.Dense dense)
            tensors[value] = dense.Tensor;
        else if (given is RuntimeValue.Sequence sequence && sequence.Elements.All(e => e is RuntimeValue.Dense) && Element(value, sequence) is { } type)
            sequences[value] = new(type, [.. sequence.Elements.Select(e => ((RuntimeValue.Dense)e).Tensor)]);
    }

    /// <summary>Lets one value hold what another does.</summary>
    /// <returns>False where it is not known what that is.</returns>
    public bool Copy(Value from, Value to) => Take(this, from, to);

    /// <summary>Lets a value hold what another does by what is known elsewhere.</summary>
    /// <returns>False where it is not known what that is.</returns>
    public bool Take(KnownValues others, Value from, Value to)
    {
        (ConstantSequence? sequence, Tensor? tensor) = (others.Sequence(from), others.Tensor(from));
        // It may have held something of the other kind in the run of a body before this one.
        tensors.Remove(to);
        sequences.Remove(to);
        if (sequence is not null)
            sequences[to] = sequence;
        else if (tensor is not null)
            tensors[to] = tensor;
        return sequence is not null || tensor is not null;
    }

    /// <summary>The type of a sequence's elements: an empty one does not show it.</summary>
    private ElementType? Element(Value value, RuntimeValue.Sequence sequence) =>
        sequence.Elements is [RuntimeValue.Dense first, ..] ? first.Tensor.Type
        : value.Producer is not { } node ? null
        : node.Is("SequenceEmpty") ? (ElementType)node.Int("dtype", (long)ElementType.Float32)
        : node.Inputs.OfType<Value>().Select(i => Sequence(i)?.Type ?? Tensor(i)?.Type).FirstOrDefault();
}

/// <summary>Tensors of one type, in order.</summary>
/// <param name="Type">Their type, which an empty sequence has too.</param>
/// <param name="Elements">The tensors.</param>
internal sealed record ConstantSequence(ElementType Type, IReadOnlyList<Tensor> Elements);
