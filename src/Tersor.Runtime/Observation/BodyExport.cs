using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Brings values of bodies of If, Loop and Scan out to the main graph.</summary>
/// <remarks>
/// From operator set 13 on, a sequence is threaded through the enclosing If and Loop nodes and grows by one tensor each time the value is computed: shapes may differ from one iteration to
/// the next, and a branch not taken leaves it as it is. Before that, and for Scan, iterations are stacked as scan outputs, and the branch not taken gives an empty tensor.
/// </remarks>
/// <param name="moved">Told when a node output is handed on to another value object: old, new.</param>
internal sealed class BodyExport(Action<Value, Value> moved)
{
    private const long SequencesInControlFlow = 13;

    /// <summary>The main graph's value that carries <paramref name="value"/>, or the reason why there is none.</summary>
    public (Value Output, ExportForm Form, int Stacked)? Export(Value value, ElementType? type, out string reason)
    {
        List<Graph> path = [];
        for (Graph graph = value.Graph; graph.Owner is not null; graph = graph.Parent!)
            path.Add(graph);
        if (Problem(path, type) is { } problem)
        {
            reason = problem;
            return null;
        }
        reason = "";
        int stacked = 0, level = 0;
        Value current = value;
        for (; level < path.Count && path[level].Owner!.Is("Scan"); level++, stacked++)
            current = AddScanOutput(path[level], current);
        if (level == path.Count)
            return (current, ExportForm.Tensor, stacked);
        List<Graph> rest = path[level..];
        if (current.Graph.Model.Opset >= SequencesInControlFlow)
            return (Thread(rest, current, type!.Value), ExportForm.Sequence, stacked);
        foreach (Graph body in rest)
        {
            bool loop = body.Owner!.Is("Loop");
            current = loop ? AddScanOutput(body, current) : AddBranchOutput(body, current, type!.Value);
            stacked += loop ? 1 : 0;
        }
        return (current, rest.Any(b => b.Owner!.Is("If")) ? ExportForm.TensorOrEmpty : ExportForm.Tensor, stacked);
    }

    private static string? Problem(List<Graph> path, ElementType? type)
    {
        bool aroundScan = false;
        foreach (Graph body in path)
        {
            Node owner = body.Owner!;
            if (owner.Is("Scan"))
            {
                if (aroundScan)
                    return $"it stands in an If or Loop inside {owner}, and a Scan gives out only tensors of one shape";
                if (owner.OpsetVersion < 9)
                    return $"{owner} is of operator set {owner.OpsetVersion}; values inside a Scan can be observed from 9 on";
            }
            else if (owner.Is("If", "Loop"))
            {
                aroundScan = true;
                if (type is null)
                    return $"its element type is not known, and {owner} has to declare it";
                if (owner.Is("Loop") && Enumerable.Range(0, owner.Outputs.Count).Any(i => owner.Output(i) is null))
                    return $"{owner} leaves out an output in the middle";
            }
            else
            {
                return $"it stands in the body of {owner}";
            }
        }
        return null;
    }

    private Value Thread(List<Graph> path, Value element, ElementType type)
    {
        OnnxType.Sequence sequenceType = new(new OnnxType.Tensor(type, null));
        Value[] entering = new Value[path.Count]; // the sequence as each body sees it
        Graph outermost = path[^1].Parent!;
        Value sequence = outermost.AddNode("SequenceEmpty", [], [$"{element.Name}_observed"], [new("dtype", (long)type)]).Outputs[0]!;
        for (int i = path.Count - 1; i >= 0; i--)
        {
            Node owner = path[i].Owner!;
            if (owner.Is("Loop"))
            {
                owner.SetInput(path[i].Inputs.Count, sequence);
                sequence = path[i].AddInput($"{element.Name}_observed", sequenceType);
            }
            entering[i] = sequence;
        }
        Value result = path[0].AddNode("SequenceInsert", [sequence, element], [$"{element.Name}_observed"]).Outputs[0]!;
        for (int i = 0; i < path.Count; i++)
        {
            Node owner = path[i].Owner!;
            if (owner.Is("Loop"))
            {
                result = AddCarriedOutput(path[i], result);
                continue;
            }
            path[i].AddOutput(result);
            foreach (Graph other in owner.Bodies.Where(b => !ReferenceEquals(b, path[i])))
                other.AddOutput(Unchanged(other, entering[i], type));
            result = owner.AddOutput($"{element.Name}_observed");
        }
        return result;
    }

    /// <summary>The same sequence as a value of another branch, which may not give out an outer value itself.</summary>
    private static Value Unchanged(Graph branch, Value sequence, ElementType type)
    {
        if (branch.OpsetVersion("") >= 14)
            return branch.AddNode("Identity", [sequence], [sequence.Name]).Outputs[0]!;
        // Identity takes sequences from 14 on; before, putting in one element and taking it out again does the same.
        Value longer = branch.AddNode("SequenceInsert", [sequence, Empty(branch, type)], [sequence.Name]).Outputs[0]!;
        return branch.AddNode("SequenceErase", [longer], [sequence.Name]).Outputs[0]!;
    }

    /// <summary>Appends a loop-carried output, which must stand before the scan outputs: those move up by one place.</summary>
    private Value AddCarriedOutput(Graph body, Value value)
    {
        Node loop = body.Owner!;
        int place = body.Inputs.Count - 2; // body: iteration, condition, carried (the new one included); its outputs: condition, carried, scan
        List<Value> scans = [.. body.Outputs.Skip(place)];
        while (body.Outputs.Count > place)
            body.RemoveOutput(body.Outputs.Count - 1);
        body.AddOutput(value);
        foreach (Value scan in scans)
            body.AddOutput(scan);
        while (loop.Outputs.Count < body.Outputs.Count - 1)
            loop.AddOutput($"{value.Name}_outer");
        for (int i = loop.Outputs.Count - 1; i >= place; i--)
        {
            Value from = loop.Outputs[i - 1]!, to = loop.Outputs[i]!;
            from.ReplaceAllUsesWith(to);
            to.Type = from.Type;
            moved(from, to);
            from.Type = null;
        }
        return loop.Outputs[place - 1]!;
    }

    private static Value AddScanOutput(Graph body, Value value)
    {
        Node owner = body.Owner!;
        body.AddOutput(Own(body, value));
        foreach (string list in (string[])["scan_output_axes", "scan_output_directions"])
        {
            if (owner.Ints(list) is { } values)
                owner.SetAttribute(list, (long[])[.. values, 0]);
        }
        while (owner.Outputs.Count < body.Outputs.Count - (owner.Is("Loop") ? 1 : 0) - 1)
            owner.AddOutput($"{value.Name}_outer");
        return owner.AddOutput($"{value.Name}_observed");
    }

    private static Value AddBranchOutput(Graph branch, Value value, ElementType type)
    {
        Node owner = branch.Owner!;
        branch.AddOutput(Own(branch, value));
        foreach (Graph other in owner.Bodies.Where(b => !ReferenceEquals(b, branch)))
            other.AddOutput(Empty(other, type));
        return owner.AddOutput($"{value.Name}_observed");
    }

    private static Value Empty(Graph graph, ElementType type) => graph.AddNode("Constant", [], ["empty"],
        [new("value", type == ElementType.String ? Tensor.FromStrings([0], Array.Empty<string>()) : Tensor.FromBytes(type, [0], default))]).Outputs[0]!;

    /// <summary>A value that a node of this body makes and that is no output yet.</summary>
    private static Value Own(Graph body, Value value) => value.Producer is not null && !value.IsGraphOutput && ReferenceEquals(value.Graph, body)
        ? value
        : body.AddNode("Identity", [value], [value.Name]).Outputs[0]!;
}
