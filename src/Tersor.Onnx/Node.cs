using System.Diagnostics;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx;

/// <summary>One operator applied to values. Not thread-safe.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class Node
{
    private readonly List<Value?> inputs = [];
    private readonly List<int> usePlaces = []; // of each input: where its value lists this reader
    private readonly List<Value?> outputs = [];
    private readonly OrderedDictionary<string, NodeAttribute> attributes = [];

    internal Node(Graph graph, string opType, string domain, string name)
    {
        Graph = graph;
        OpType = opType;
        Domain = domain;
        Name = name;
    }

    /// <summary>The graph it stands in.</summary>
    public Graph Graph { get; }

    /// <summary>The operator's name.</summary>
    public string OpType { get; }

    /// <summary>The operator's domain; empty for ONNX's own.</summary>
    public string Domain { get; }

    /// <summary>The node's name; may be empty.</summary>
    public string Name { get; set; }

    /// <summary>Which overload of a model-local function it calls; usually empty.</summary>
    public string Overload { get; internal set; } = "";

    /// <summary>What it reads; null where an optional input is left out.</summary>
    public IReadOnlyList<Value?> Inputs => inputs;

    /// <summary>What it makes; null where an optional output is left out.</summary>
    public IReadOnlyList<Value?> Outputs => outputs;

    /// <summary>The attributes, in file order.</summary>
    public IReadOnlyDictionary<string, NodeAttribute> Attributes => attributes;

    /// <summary>The node after this one in the graph's order, or null.</summary>
    public Node? Next { get; internal set; }

    /// <summary>The node before this one in the graph's order, or null.</summary>
    public Node? Previous { get; internal set; }

    /// <summary>False once it was removed from its graph.</summary>
    public bool IsInGraph { get; internal set; }

    /// <summary>The bodies it holds: branches of If, the body of Loop, Scan, SequenceMap.</summary>
    public IEnumerable<Graph> Bodies => attributes.Values.SelectMany(a => a.Graphs);

    /// <summary>True for ONNX's own domain.</summary>
    public bool IsStandard => Domain is "" or "ai.onnx";

    /// <summary>The version of its operator set that is in force where it stands; 0 when its domain is not imported.</summary>
    public long OpsetVersion => Graph.OpsetVersion(Domain);

    internal NodeProto? Rest { get; set; }

    /// <summary>True for ONNX's own operator of that name.</summary>
    public bool Is(string opType) => OpType == opType && IsStandard;

    /// <summary>True for one of ONNX's own operators of those names.</summary>
    public bool Is(params ReadOnlySpan<string> opTypes) => IsStandard && opTypes.Contains(OpType);

    /// <summary>Input <paramref name="index"/>, or null where it is left out or beyond the last.</summary>
    public Value? Input(int index) => index >= 0 && index < inputs.Count ? inputs[index] : null;

    /// <summary>Output <paramref name="index"/>, or null where it is left out or beyond the last.</summary>
    public Value? Output(int index) => index >= 0 && index < outputs.Count ? outputs[index] : null;

    /// <summary>An integer attribute, or null.</summary>
    public long? Int(string name) => (attributes.GetValueOrDefault(name) as NodeAttribute.Int)?.Value;

    /// <summary>An integer attribute, or <paramref name="fallback"/>.</summary>
    public long Int(string name, long fallback) => Int(name) ?? fallback;

    /// <summary>A float attribute, or <paramref name="fallback"/>.</summary>
    public float Float(string name, float fallback) => (attributes.GetValueOrDefault(name) as NodeAttribute.Float)?.Value ?? fallback;

    /// <summary>A string attribute, or null.</summary>
    public string? Text(string name) => (attributes.GetValueOrDefault(name) as NodeAttribute.String)?.Text;

    /// <summary>An integer list attribute, or null.</summary>
    public long[]? Ints(string name) => attributes.GetValueOrDefault(name) is NodeAttribute.Ints ints ? [.. ints.Values] : null;

    /// <summary>A float list attribute, or null.</summary>
    public float[]? Floats(string name) => attributes.GetValueOrDefault(name) is NodeAttribute.Floats floats ? [.. floats.Values] : null;

    /// <summary>A tensor attribute, or null.</summary>
    public Tensor? TensorAttribute(string name) => (attributes.GetValueOrDefault(name) as NodeAttribute.TensorValue)?.Value;

    /// <summary>A body attribute, or null.</summary>
    public Graph? Body(string name) => (attributes.GetValueOrDefault(name) as NodeAttribute.Body)?.Value;

    /// <summary>Adds or replaces an attribute. A body that another node holds moves here.</summary>
    /// <exception cref="ArgumentException">A body of another model.</exception>
    public void SetAttribute(string name, NodeAttribute value)
    {
        foreach (Graph body in value.Graphs)
        {
            if (!ReferenceEquals(body.Model, Graph.Model))
                throw new ArgumentException($"Body '{body.Name}' belongs to another model; make it with {nameof(Onnx.Graph.NewBody)}.", nameof(value));
            body.Owner = this;
        }
        NodeAttribute? old = attributes.GetValueOrDefault(name);
        attributes[name] = value;
        foreach (Graph body in old?.Graphs ?? [])
        {
            if (ReferenceEquals(body.Owner, this) && !value.Graphs.Contains(body))
                body.Detach();
        }
    }

    /// <summary>Removes an attribute if it is there.</summary>
    public void RemoveAttribute(string name)
    {
        if (attributes.Remove(name, out NodeAttribute? old))
        {
            foreach (Graph body in old.Graphs.Where(b => ReferenceEquals(b.Owner, this)))
                body.Detach();
        }
    }

    /// <summary>Lets input <paramref name="index"/> read <paramref name="value"/>; null leaves it out. Inputs in between are left out.</summary>
    /// <exception cref="ArgumentException">A value of another model.</exception>
    public void SetInput(int index, Value? value)
    {
        Graph.RequireOwn(value);
        while (inputs.Count <= index)
            AddInput(null);
        inputs[index]?.RemoveUse(usePlaces[index]);
        inputs[index] = value;
        usePlaces[index] = value?.AddUse(new(this, index)) ?? -1;
        while (value is null && inputs.Count > 0 && inputs[^1] is null)
            TruncateInputs(inputs.Count - 1);
    }

    /// <summary>Reads one more value.</summary>
    /// <exception cref="ArgumentException">A value of another model.</exception>
    public void AddInput(Value? value)
    {
        Graph.RequireOwn(value);
        inputs.Add(value);
        usePlaces.Add(value?.AddUse(new(this, inputs.Count - 1)) ?? -1);
    }

    /// <summary>Drops the inputs from <paramref name="count"/> on.</summary>
    public void TruncateInputs(int count)
    {
        for (int i = inputs.Count - 1; i >= count; i--)
        {
            inputs[i]?.RemoveUse(usePlaces[i]);
            inputs.RemoveAt(i);
            usePlaces.RemoveAt(i);
        }
    }

    /// <summary>The value at input <paramref name="index"/> lists this reader at another place now.</summary>
    internal void UseMoved(int index, int place) => usePlaces[index] = place;

    /// <summary>Makes one more value.</summary>
    public Value AddOutput(string nameHint, OnnxType? type = null)
    {
        Value value = Graph.NewValue(nameHint, type);
        AttachOutput(value);
        return value;
    }

    /// <summary>Stops making output <paramref name="index"/>, which nothing may read; later outputs keep their places.</summary>
    /// <exception cref="InvalidOperationException">Something reads it.</exception>
    public void DropOutput(int index)
    {
        if (outputs[index] is { IsUnused: false } used)
            throw new InvalidOperationException($"Output {index} of {this} ('{used.Name}') is still read.");
        if (outputs[index] is { } dropped)
            dropped.Producer = null;
        outputs[index] = null;
        while (outputs.Count > 0 && outputs[^1] is null)
            outputs.RemoveAt(outputs.Count - 1);
    }

    /// <summary>Takes the node, and what its bodies read, out of the graph. Nothing may read its outputs any more. A node already removed stays so.</summary>
    /// <exception cref="InvalidOperationException">An output is still read.</exception>
    public void Remove()
    {
        if (!IsInGraph)
            return;
        if (outputs.FirstOrDefault(o => o is { IsUnused: false }) is { } used)
            throw new InvalidOperationException($"Cannot remove {this}: its output '{used.Name}' is still read.");
        Detach();
        Graph.Unlink(this);
    }

    /// <summary>Gives an output up without touching its readers; the caller finds it another home.</summary>
    internal Value ReleaseOutput(int index)
    {
        Value value = outputs[index] ?? throw new InvalidOperationException($"{this} does not make output {index}.");
        outputs[index] = null;
        (value.Producer, value.ProducerIndex) = (null, 0);
        return value;
    }

    internal void AttachOutput(Value? value)
    {
        outputs.Add(value);
        if (value is null)
            return;
        value.Producer = this;
        value.ProducerIndex = outputs.Count - 1;
    }

    /// <summary>Forgets everything it reads, bodies included.</summary>
    internal void Detach()
    {
        TruncateInputs(0);
        foreach (Graph body in Bodies.Where(b => ReferenceEquals(b.Owner, this)))
            body.Detach();
    }

    /// <summary>Operator and name, or the first output's name where the node has none.</summary>
    public override string ToString() => $"{OpType} '{(Name.Length > 0 ? Name : outputs.FirstOrDefault(o => o is not null)?.Name)}'";
}
