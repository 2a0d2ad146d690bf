using System.Diagnostics.CodeAnalysis;

namespace Tersor.Onnx.Opsets;

/// <summary>What the raising steps share: edits that keep names, constants, and facts about values.</summary>
internal sealed class StepContext(Model model)
{
    private readonly InferredTypes inferred = ShapeInference.Infer(model); // now, while every node is in the form its version says
    private readonly HashSet<Node> enlarging = new(ReferenceEqualityComparer.Instance);

    /// <summary>The version being raised to.</summary>
    public long Version { get; private set; }

    public StepContext At(long version)
    {
        Version = version;
        return this;
    }

    /// <summary>Takes note that a Resize node came from an Upsample, whose scales are 1 or more by definition.</summary>
    public void MarkEnlarging(Node resize) => enlarging.Add(resize);

    public bool IsEnlarging(Node resize) => enlarging.Contains(resize);

    public static OnnxException Impossible(Node node, long version, string reason) =>
        new($"{node} cannot be raised from operator set {version - 1} to {version}: {reason}.");

    public OnnxException Impossible(Node node, string reason) => Impossible(node, Version, reason);

    /// <summary>Refuses a node whose attribute stands for one of the caller of a function, where the step needs its value.</summary>
    public void RequireLiteral(Node node, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (node.Attributes.GetValueOrDefault(name) is NodeAttribute.Reference)
                throw Impossible(node, $"its attribute '{name}' is given by the caller of a function and its value is needed here; inline the function first");
        }
    }

    /// <summary>A constant beside <paramref name="node"/>: an initializer, or a Constant node in a function, which has no initializers.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "reads like the other edits of the context")]
    public Value Constant(Node node, string hint, Tensor tensor) => node.Graph is { Function: not null, Owner: null }
        ? node.Graph.InsertBefore(node, "Constant", [], [hint], [new("value", tensor)]).Outputs[0]!
        : node.Graph.AddInitializer(hint, tensor);

    /// <summary>Integer list attribute <paramref name="attribute"/> → constant input <paramref name="index"/>. Does nothing when the attribute is absent.</summary>
    public void IntsToInput(Node node, string attribute, int index)
    {
        Value? value = null;
        if (node.Attributes.GetValueOrDefault(attribute) is NodeAttribute.Reference reference)
        {
            if (Version < 12)
                RequireLiteral(node, attribute);
            value = node.Graph.InsertBefore(node, "Constant", [], [Hint(node, attribute)], [new("value_ints", reference)]).Outputs[0];
        }
        else if (node.Ints(attribute) is { } ints)
        {
            value = Constant(node, Hint(node, attribute), Tensor.Vector(ints));
        }
        node.RemoveAttribute(attribute);
        if (value is not null)
            node.SetInput(index, value);
    }

    public static string Hint(Node node, string suffix) => $"{node.Outputs.FirstOrDefault(o => o is not null)?.Name}_{suffix}";

    /// <summary>Puts a node of another operator in the place of <paramref name="old"/>: same outputs under the same names.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "reads like the other edits of the context")]
    public Node Replace(Node old, string opType, ReadOnlySpan<Value?> inputs, IEnumerable<KeyValuePair<string, NodeAttribute>> attributes)
    {
        Node node = old.Graph.InsertBefore(old, opType, inputs, [.. old.Outputs.Select(o => o?.Name ?? "")], attributes, old.Domain, old.Name);
        for (int i = 0; i < old.Outputs.Count; i++)
        {
            if (old.Outputs[i] is not { } from || node.Outputs[i] is not { } to)
                continue;
            string name = from.Name;
            to.Type = from.Type;
            from.ReplaceAllUsesWith(to);
            if (to.Name != name)
                to.SwapNames(from);
        }
        old.Remove();
        return node;
    }

    /// <summary>Shape and element type as they follow from the model as it was, or as a step's own value was declared.</summary>
    private OnnxType.Tensor? TypeOf(Value value) => inferred.TensorTypeOf(value) ?? value.Type?.AsTensor;

    public ElementType? ElementTypeOf(Value value) => TypeOf(value)?.ElementType;

    /// <summary>The dimensions, or null when not even their number is known.</summary>
    public IReadOnlyList<Dimension>? ShapeOf(Value value) => TypeOf(value)?.Shape is { } shape ? shape : null;
}
