using System.Diagnostics;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx;

/// <summary>A mutable graph: a model's main graph, the body of a control-flow node, or the body of a function. Not thread-safe.</summary>
/// <remarks>Nodes may be added in any order; writing sorts them topologically and keeps the order where it is already right.</remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class Graph
{
    private readonly List<Value> inputs = [];
    private readonly List<Value> outputs = [];
    private readonly LinkedList<Value> initializers = [];
    private Node? first;
    private Node? last;

    internal Graph(Model model, string name, Function? function = null)
    {
        Model = model;
        Name = name;
        Function = function;
    }

    /// <summary>The model it belongs to.</summary>
    public Model Model { get; }

    /// <summary>The graph's name.</summary>
    public string Name { get; set; }

    /// <summary>The node whose body this is; null for the main graph and for a function's body.</summary>
    public Node? Owner { get; internal set; }

    /// <summary>The function whose body this is, directly or as a nested body; null elsewhere.</summary>
    public Function? Function { get; }

    /// <summary>The graph around this body, or null.</summary>
    public Graph? Parent => Owner?.Graph;

    /// <summary>What it takes, overridable initializers included.</summary>
    public IReadOnlyList<Value> Inputs => inputs;

    /// <summary>What it gives out.</summary>
    public IReadOnlyList<Value> Outputs => outputs;

    /// <summary>Its dense and sparse initializers, in file order. Copy the list before adding or removing.</summary>
    public IReadOnlyCollection<Value> Initializers => initializers;

    /// <summary>How many nodes it has, bodies not included.</summary>
    public int NodeCount { get; private set; }

    /// <summary>True for the model's main graph, whose input and output names are the model's interface.</summary>
    public bool IsMain => ReferenceEquals(Model.Graph, this);

    internal GraphProto? Rest { get; set; }

    /// <summary>Its nodes in order, without those of bodies. Nodes may be removed, and added, while enumerating: what is added behind the current node is still visited.</summary>
    public IEnumerable<Node> Nodes
    {
        get
        {
            Node? node = first;
            while (node is not null)
            {
                yield return node;
                // A removed node keeps its successor: where the caller removed some, the chain leads back into the graph.
                node = node.Next;
                while (node is { IsInGraph: false })
                    node = node.Next;
            }
        }
    }

    /// <summary>This graph and all bodies nested in it, outer before inner.</summary>
    public IEnumerable<Graph> WithNested()
    {
        yield return this;
        foreach (Node node in Nodes)
        {
            foreach (Graph body in node.Bodies.ToArray())
            {
                foreach (Graph nested in body.WithNested())
                    yield return nested;
            }
        }
    }

    /// <summary>The version in force of an operator set; 0 when it is not imported.</summary>
    public long OpsetVersion(string domain) => (Function?.OpsetImports ?? Model.OpsetImports).GetValueOrDefault(Model.NormalizeDomain(domain));

    /// <summary>A body for a control-flow node that will stand in this graph.</summary>
    public Graph NewBody(string name) => new(Model, name, Function);

    /// <summary>A new graph input.</summary>
    public Value AddInput(string nameHint, OnnxType? type)
    {
        Value value = NewValue(nameHint, type);
        AttachInput(value);
        return value;
    }

    /// <summary>Stops taking an input. An overridable initializer becomes a plain one; any other input must be unused.</summary>
    /// <exception cref="InvalidOperationException">Something reads it.</exception>
    public void RemoveInput(Value value)
    {
        if (!inputs.Contains(value))
            return;
        if (!value.IsInitializer && !value.IsUnused)
            throw new InvalidOperationException($"Cannot remove input '{value.Name}': it is still read.");
        inputs.Remove(value);
        value.IsGraphInput = false;
    }

    /// <summary>Gives out one more value.</summary>
    /// <exception cref="ArgumentException">A value of another model.</exception>
    public void AddOutput(Value value)
    {
        RequireOwn(value);
        outputs.Add(value);
        value.OutputUses++;
    }

    /// <summary>Stops giving out output <paramref name="index"/>.</summary>
    public void RemoveOutput(int index)
    {
        outputs[index].OutputUses--;
        outputs.RemoveAt(index);
    }

    /// <summary>Gives out <paramref name="value"/> as output <paramref name="index"/>, under the output's old name and declared type.</summary>
    /// <exception cref="InvalidOperationException">The output is a model input given out unchanged: nothing else can have its name.</exception>
    public void SetOutput(int index, Value value)
    {
        Value old = outputs[index];
        if (ReferenceEquals(old, value))
            return;
        if (IsMain && old.IsGraphInput)
            throw new InvalidOperationException($"Output '{old.Name}' is the input of that name; nothing else can be given out under it.");
        // Engines want an output made by a node of this very graph, and once.
        bool direct = value.Producer is not null && ReferenceEquals(value.Graph, this) && !outputs.Contains(value) && !(IsMain && value.Producer.Is("Constant"));
        Value target = direct ? value : AddNode("Identity", [value], [old.Name]).Outputs[0]!;
        if (IsMain)
        {
            target.SwapNames(old);
            (target.Rest, old.Rest) = (old.Rest, target.Rest);
        }
        target.Type = old.Type ?? target.Type;
        old.OutputUses--;
        outputs[index] = target;
        target.OutputUses++;
    }

    /// <summary>A new dense initializer.</summary>
    public Value AddInitializer(string nameHint, Tensor tensor)
    {
        Value value = NewValue(nameHint, null);
        AttachInitializer(value, tensor);
        return value;
    }

    /// <summary>Removes an initializer that nothing reads.</summary>
    /// <exception cref="InvalidOperationException">Something reads it.</exception>
    public void RemoveInitializer(Value value)
    {
        if (!value.IsUnused)
            throw new InvalidOperationException($"Cannot remove initializer '{value.Name}': it is still read.");
        if (value.InitializerPlace is not { } place || !ReferenceEquals(place.List, initializers))
            throw new InvalidOperationException($"'{value.Name}' is not an initializer of graph '{Name}'.");
        initializers.Remove(place);
        value.InitializerPlace = null;
        RemoveInput(value);
        value.Initializer = null;
        value.SparseInitializer = null;
    }

    /// <summary>Turns a Constant node of this graph into an initializer of <paramref name="target"/>, this graph or one around it. Value, constraints and readers stay; the name too, within one graph.</summary>
    /// <exception cref="InvalidOperationException">Not a Constant node with a dense tensor.</exception>
    public Value LiftConstant(Node node, Graph target)
    {
        Tensor tensor = node.Is("Constant") && ReferenceEquals(node.Graph, this) && ConstantNode.Tensor(node) is { } dense ? dense
            : throw new InvalidOperationException($"{node} is not a Constant node of graph '{Name}' with a dense tensor.");
        Value value = node.ReleaseOutput(0);
        node.Remove();
        value.Graph = target;
        value.Type = value.IsGraphOutput ? value.Type : null;
        if (!ReferenceEquals(target, this))
            value.Rename(value.Name);
        target.AttachInitializer(value, tensor);
        return value;
    }

    /// <summary>Copies the content of a body without inputs, such as a branch of If, to the place before <paramref name="position"/>.</summary>
    /// <returns>What stands here for each of the body's outputs.</returns>
    /// <exception cref="ArgumentException">The body takes inputs.</exception>
    public IReadOnlyList<Value> CopyIn(Graph body, Node position)
    {
        if (body.Inputs.Count > 0)
            throw new ArgumentException($"Graph '{body.Name}' takes {Plural.Of(body.Inputs.Count, "input")}; only a body without inputs can be copied in.", nameof(body));
        ModelCloner cloner = new(keepNames: false);
        cloner.CopyContents(body, this, position);
        return [.. body.Outputs.Select(cloner.Mapped)];
    }

    /// <summary>Adds a node at the end. <paramref name="outputNames"/> are hints, made unique; an empty one leaves that output out.</summary>
    public Node AddNode(string opType, ReadOnlySpan<Value?> inputs, ReadOnlySpan<string> outputNames, IEnumerable<KeyValuePair<string, NodeAttribute>>? attributes = null, string domain = "", string? name = null) =>
        InsertBefore(null, opType, inputs, outputNames, attributes, domain, name);

    /// <summary>Adds a node before <paramref name="position"/>, or at the end when that is null.</summary>
    public Node InsertBefore(Node? position, string opType, ReadOnlySpan<Value?> inputs, ReadOnlySpan<string> outputNames, IEnumerable<KeyValuePair<string, NodeAttribute>>? attributes = null, string domain = "", string? name = null)
    {
        if (position is not null && (!position.IsInGraph || !ReferenceEquals(position.Graph, this)))
            throw new ArgumentException($"{position} is not in graph '{Name}'.", nameof(position));
        Node node = new(this, opType, domain, name ?? Model.NewName(outputNames.Length > 0 && outputNames[0].Length > 0 ? $"{outputNames[0]}/{opType}" : opType));
        foreach (Value? input in inputs)
            node.AddInput(input);
        foreach (string output in outputNames)
            node.AttachOutput(output.Length == 0 ? null : NewValue(output, null));
        foreach ((string key, NodeAttribute value) in attributes ?? [])
            node.SetAttribute(key, value);
        Link(node, position);
        return node;
    }

    internal Value NewValue(string nameHint, OnnxType? type) => new(this, Model.NewName(nameHint)) { Type = type };

    internal void AttachInput(Value value)
    {
        inputs.Add(value);
        value.IsGraphInput = true;
    }

    internal void AttachInitializer(Value value, Tensor tensor)
    {
        value.Initializer = tensor;
        value.InitializerPlace ??= initializers.AddLast(value);
    }

    internal void AttachInitializer(Value value, SparseTensor tensor)
    {
        value.SparseInitializer = tensor;
        value.InitializerPlace ??= initializers.AddLast(value);
    }

    internal void Link(Node node, Node? before)
    {
        Node? previous = before is null ? last : before.Previous;
        (node.Previous, node.Next) = (previous, before);
        if (previous is null)
            first = node;
        else
            previous.Next = node;
        if (before is null)
            last = node;
        else
            before.Previous = node;
        node.IsInGraph = true;
        NodeCount++;
    }

    /// <summary>Takes the node out of the list; its own <c>Next</c> stays, so that an enumeration standing on it can go on.</summary>
    internal void Unlink(Node node)
    {
        if (node.Previous is null)
            first = node.Next;
        else
            node.Previous.Next = node.Next;
        if (node.Next is null)
            last = node.Previous;
        else
            node.Next.Previous = node.Previous;
        node.IsInGraph = false;
        NodeCount--;
    }

    /// <summary>A value of another model must not get in: its name, uses and tensors are that model's.</summary>
    internal void RequireOwn(Value? value)
    {
        if (value is not null && !ReferenceEquals(value.Graph.Model, Model))
            throw new ArgumentException($"'{value.Name}' belongs to another model.", nameof(value));
    }

    /// <summary>Empties the body when its owner goes or drops it: it reads nothing any more, and an enumeration of it ends.</summary>
    internal void Detach()
    {
        foreach (Node node in Nodes)
        {
            node.Detach();
            Unlink(node);
        }
        while (outputs.Count > 0)
            RemoveOutput(outputs.Count - 1);
    }

    /// <summary>Puts the nodes into the given order, which must hold exactly them.</summary>
    internal void Reorder(IReadOnlyList<Node> order)
    {
        foreach (Node node in order)
            Unlink(node);
        foreach (Node node in order)
            Link(node, null);
    }
}
