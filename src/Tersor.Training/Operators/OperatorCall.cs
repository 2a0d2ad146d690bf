using Tersor.Onnx;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>One node as its implementation sees it: inputs as tensors, attributes, and how the run is done.</summary>
internal sealed class OperatorCall
{
    private readonly Dictionary<string, object?> memory = [];

    public OperatorCall(Node node, RunState run)
    {
        (Node, Run) = (node, run);
        Opset = node.OpsetVersion;
        Inputs = new object?[node.Inputs.Count];
    }

    /// <summary>The node.</summary>
    public Node Node { get; }

    /// <summary>Version of the node's operator set.</summary>
    public long Opset { get; }

    /// <summary>How the graph is being run.</summary>
    public RunState Run { get; }

    /// <summary>Inputs of this run: tensors, sequences, or null where the node has none.</summary>
    public object?[] Inputs { get; }

    /// <summary>How many inputs the node has, left-out ones included.</summary>
    public int Count => Inputs.Length;

    /// <summary>How many outputs the node has, left-out ones included.</summary>
    public int OutputCount => Node.Outputs.Count;

    /// <summary>An input that must be there.</summary>
    public Tensor this[int index] => Optional(index) ?? throw Bad($"has no input {index}, which it needs");

    /// <summary>An input that may be left out.</summary>
    public Tensor? Optional(int index) => index >= Inputs.Length ? null
        : Inputs[index] switch { null => null, Tensor tensor => tensor, _ => throw Bad($"input {index} is a sequence; a tensor is expected") };

    /// <summary>A sequence that must be there.</summary>
    public IReadOnlyList<Tensor> Sequence(int index) => index < Inputs.Length && Inputs[index] is TensorSequence sequence ? sequence.Items : throw Bad($"input {index} is no sequence");

    /// <summary>All tensors given, in order.</summary>
    public Tensor[] All() => [.. Enumerable.Range(0, Count).Select(i => this[i])];

    /// <summary>The elements of an input of integers.</summary>
    public long[] Longs(int index) => TorchTensors.ToLongs(this[index]);

    /// <summary>The elements of an input of integers; null where it is left out.</summary>
    public long[]? OptionalLongs(int index) => Optional(index) is { } tensor ? TorchTensors.ToLongs(tensor) : null;

    /// <summary>The only element of an input.</summary>
    public double Number(int index)
    {
        long count = this[index].numel();
        return count == 1 ? TorchTensors.Number(this[index]) : throw Bad($"input {index} has {count} elements; one is expected");
    }

    /// <summary>The type values of an element type are carried in, in this run.</summary>
    public ScalarType Carrier(ElementType type) => TorchTensors.Carrier(type, Run.Reals) ?? throw Bad($"values of type {type} have no place in training");

    /// <summary>The element type the model gives a value; null where that cannot be told without running it.</summary>
    public ElementType? TypeOf(Value? value) => value is null ? null : Run.Types?.TensorTypeOf(value)?.ElementType ?? value.Type?.AsTensor?.ElementType;

    /// <summary>Something that is worked out once for the node.</summary>
    public T Once<T>(string key, Func<T> make)
    {
        if (!memory.TryGetValue(key, out object? known))
            memory[key] = known = make();
        return (T)known!;
    }

    /// <summary>An axis counted from the end made one counted from the start.</summary>
    public long Axis(long axis, long rank) => axis >= -rank && axis < Math.Max(rank, 1) ? axis < 0 ? axis + rank : axis
        : throw Bad($"has axis {axis}, outside of a tensor of rank {rank}");

    /// <summary>An error that names the node.</summary>
    public TrainingException Bad(string problem, Exception? inner = null) => new($"{Node}: {problem}.", inner);

    /// <summary>An error for a form of the operator that is not implemented.</summary>
    public TrainingException Unsupported(string what) => new($"{Node}: {what} has no implementation for training. Keep the part of the model that holds it frozen by cutting it off, or replace it.");
}
