namespace Tersor.Onnx.Tests.Inference;

/// <summary>Compares what was inferred with what running gives, for all values of the main graph.</summary>
internal sealed class InferredAgainstObserved
{
    public List<string> Failures { get; } = [];

    public int Values { get; private set; }

    public int Types { get; private set; }

    public int Shapes { get; private set; }

    public int Contents { get; private set; }

    public SortedDictionary<string, int> Unknown { get; } = new(StringComparer.Ordinal);

    /// <summary>Infers from the shapes of the inputs alone and compares; false when ONNX Runtime refuses the model.</summary>
    public bool Check(string name, Model model, IReadOnlyDictionary<string, Tensor> inputs, bool throughBranches = false)
    {
        // What the file declares of values that nodes make is taken away: it must follow from the inputs.
        Model bare = model.Clone(out IReadOnlyDictionary<Value, Value> undeclared);
        foreach (Value value in bare.AllNodes().SelectMany(n => n.Outputs).OfType<Value>())
            value.Type = null;
        InferredTypes inferred = Onnx.ShapeInference.Infer(bare, null, inputs.ToDictionary(i => i.Key, i => i.Value.Shape.ToArray()));
        Model probe = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Dictionary<Value, Value> originals = copies.ToDictionary(c => c.Value, c => c.Key);
        Dictionary<Value, Value> carried = throughBranches ? BranchProbe.Expose(probe.Graph, v => inferred.TensorTypeOf(undeclared[originals[v]])?.ElementType ?? ElementType.Undefined) : [];
        foreach (Value value in probe.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput && !IsSequence(v)).ToArray())
        {
            value.Type = null;
            probe.Graph.AddOutput(value);
        }
        IReadOnlyDictionary<string, Tensor>? observed = BackendCase.TryRun(probe, inputs) ?? BackendCase.TryRun(model, inputs);
        if (observed is null)
            return false;
        foreach (Node node in model.Graph.Nodes)
        {
            foreach (Value value in node.Outputs.OfType<Value>())
            {
                if (observed.TryGetValue(copies[value].Name, out Tensor? found))
                    Compare(name, node, undeclared[value], inferred, found);
            }
        }
        foreach ((Value outside, Value inside) in carried)
        {
            if (observed.TryGetValue(outside.Name, out Tensor? found) && !BranchProbe.IsMarker(found))
                Compare(name, originals[inside].Producer!, undeclared[originals[inside]], inferred, found);
        }
        return true;
    }

    /// <summary>Sequences are not compared. What a Loop carries is one where it starts as one.</summary>
    private static bool IsSequence(Value value) => value.Type is OnnxType.Sequence || value.Producer is { } node && (node.Is("SequenceEmpty", "SequenceConstruct", "SequenceInsert")
        || node.Is("Loop") && node.Inputs.Skip(2).ElementAtOrDefault(node.Outputs.ToList().IndexOf(value)) is { } start && IsSequence(start));

    private void Compare(string name, Node node, Value value, InferredTypes inferred, Tensor found)
    {
        Values++;
        OnnxType.Tensor? type = inferred.TensorTypeOf(value);
        string where = $"{name}: '{value}' of {node}";
        if (type is null || type.ElementType == ElementType.Undefined)
            Unknown[node.OpType] = Unknown.GetValueOrDefault(node.OpType) + 1;
        else if (++Types > 0 && type.ElementType != found.Type)
            Failures.Add($"{where} is {found}, inferred {type}");
        if (type?.Shape is { } shape && (shape.Length != found.Rank || shape.Zip(found.Shape).Any(p => p.First.Size is { } size && size != p.Second)))
            Failures.Add($"{where} is {found}, inferred {type}");
        if (inferred.FixedShapeOf(value) is not null)
            Shapes++;
        else if (type is not null)
            Unknown[node.OpType] = Unknown.GetValueOrDefault(node.OpType) + 1;
        if (inferred.IntegersOf(value) is { } integers)
        {
            Contents++;
            if (!integers.SequenceEqual(found.ToInt64s()))
                Failures.Add($"{where} holds {string.Join(',', found.ToInt64s())}, inferred {string.Join(',', integers)}");
        }
    }

    public override string ToString() => $"{Values} values: type known of {Types}, shape of {Shapes}, content of {Contents}; without: {string.Join(", ", Unknown.Select(u => $"{u.Key} {u.Value}"))}";
}
