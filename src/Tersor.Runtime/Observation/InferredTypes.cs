using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Element types as ONNX Runtime infers them at load, bodies of If, Loop and Scan included. Nothing is run.</summary>
/// <remarks>
/// The engine tells the types of a session's outputs only, so a copy is made whose bodies lie flat in the main graph: a body's inputs stand for what its node reads, the node's outputs for
/// what a body gives out, and a Reshape to an unknown shape between them keeps the shapes of one iteration or branch from being mistaken for those of all.
/// </remarks>
internal sealed class InferredTypes
{
    private readonly Dictionary<Value, Value> flat = new(ReferenceEqualityComparer.Instance);
    private readonly Model copy;
    private readonly Value anyShape;

    private InferredTypes(Model model)
    {
        copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        while (copy.Graph.Outputs.Count > 0)
            copy.Graph.RemoveOutput(0);
        anyShape = copy.Graph.AddInput("any_shape", OnnxType.Of(ElementType.Int64, new Dimension(null)));
        foreach (Node node in copy.Graph.Nodes.Where(n => n.Bodies.Any()).ToArray())
        {
            Flatten(node);
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                if (node.Outputs[i] is { } output && flat.TryGetValue(output, out Value? stand))
                    output.ReplaceAllUsesWith(stand);
            }
            node.Remove();
        }
        foreach ((Value original, Value twin) in copies)
            flat[original] = Flat(twin);
    }

    /// <summary>Types by value of <paramref name="model"/>; those the engine cannot tell are absent.</summary>
    public static IReadOnlyDictionary<Value, OnnxType> Of(Model model, IEnumerable<Value> values)
    {
        InferredTypes types = new(model);
        Graph graph = types.copy.Graph;
        HashSet<Value> outputs = new(ReferenceEqualityComparer.Instance);
        Dictionary<Value, OnnxType> result = new(ReferenceEqualityComparer.Instance);
        Value[] wanted = [.. values.Where(types.flat.ContainsKey)];
        foreach (Value value in wanted)
        {
            Value stand = types.flat[value];
            if (stand.Type is { } known && (stand.Producer is null || stand.Producer.Is("Constant")))
                result[value] = known;
            else if (ReferenceEquals(stand.Graph, graph) && stand.Producer is not null && outputs.Add(stand))
                graph.AddOutput(stand);
        }
        if (outputs.Count == 0)
            return result;
        try
        {
            using ModelSession session = new(types.copy, new() { Optimization = EngineOptimization.None });
            Dictionary<string, OnnxType> byName = session.Outputs.ToDictionary(o => o.Name, o => o.Type);
            foreach (Value value in wanted)
            {
                if (byName.TryGetValue(types.flat[value].Name, out OnnxType? type))
                    result[value] = type;
            }
        }
        catch (RuntimeException)
        {
            // The flat copy is not a model the engine takes; what the file declares is then all that is known.
        }
        return result;
    }

    private Value Flat(Value value) => flat.TryGetValue(value, out Value? known) ? known : value;

    private void Flatten(Node node)
    {
        List<Graph> bodies = [.. node.Bodies];
        foreach (Graph body in bodies)
        {
            BindInputs(node, body);
            foreach (Value initializer in body.Initializers.Where(i => i.Tensor is not null))
                flat[initializer] = copy.Graph.AddInitializer(initializer.Name, initializer.Tensor!);
            foreach (Node inner in InOrder(body))
            {
                if (inner.Bodies.Any())
                    Flatten(inner);
                else
                    Copy(inner);
            }
        }
        int skip = node.Is("Loop") ? 1 : 0; // its body gives out the condition first
        for (int i = 0; i < node.Outputs.Count && bodies.Count > 0; i++)
        {
            if (node.Outputs[i] is { } output && bodies[0].Outputs.ElementAtOrDefault(i + skip) is { } given)
                flat[output] = AnyShape(Flat(given), given.Type ?? output.Type);
        }
    }

    /// <summary>Nodes of a body, producers first: an edited graph may list a reader before its producer.</summary>
    private static List<Node> InOrder(Graph body)
    {
        List<Node> order = [];
        HashSet<Node> done = [];
        foreach (Node node in body.Nodes)
            Visit(node);
        return order;

        void Visit(Node node)
        {
            Stack<(Node Node, bool Ready)> pending = new([(node, false)]);
            while (pending.TryPop(out (Node Node, bool Ready) top))
            {
                if (top.Ready)
                {
                    order.Add(top.Node);
                    continue;
                }
                if (!done.Add(top.Node))
                    continue;
                pending.Push((top.Node, true));
                IEnumerable<Value?> read = top.Node.Inputs.Concat(top.Node.Bodies.SelectMany(b => b.WithNested()).SelectMany(g => g.Nodes.SelectMany(n => n.Inputs).Concat(g.Outputs)));
                foreach (Value? value in read)
                {
                    if (value?.Producer is { } producer && ReferenceEquals(producer.Graph, body) && !done.Contains(producer))
                        pending.Push((producer, false));
                }
            }
        }
    }

    private void BindInputs(Node node, Graph body)
    {
        for (int i = 0; i < body.Inputs.Count; i++)
        {
            Value input = body.Inputs[i];
            Value? outer = node.Is("Loop") && i < 2 ? null : node.Input(i);
            if (outer is not null)
                flat[input] = AnyShape(Flat(outer), input.Type);
            else
                flat[input] = copy.Graph.AddInput(input.Name, input.Type ?? OnnxType.Of(node.Is("Loop") && i == 1 ? ElementType.Bool : ElementType.Int64));
        }
    }

    private Value AnyShape(Value value, OnnxType? declared) => declared is OnnxType.Tensor || declared is null && !IsSequence(value)
        ? copy.Graph.AddNode("Reshape", [value, anyShape], [value.Name]).Outputs[0]!
        : value;

    /// <summary>Whether a value whose type is not declared is a sequence, by the operator that makes it.</summary>
    private static bool IsSequence(Value value)
    {
        Value source = value;
        while (source.Type is null && source.Producer is { } node && node.Is("Identity") && node.Input(0) is { } input)
            source = input;
        return source.Type is not (null or OnnxType.Tensor) || source.Producer?.Is("SequenceEmpty", "SequenceConstruct", "SequenceInsert", "SequenceErase", "SplitToSequence") == true;
    }

    private void Copy(Node node)
    {
        Node twin = copy.Graph.AddNode(node.OpType, [.. node.Inputs.Select(v => v is null ? null : Flat(v))], [.. node.Outputs.Select(o => o?.Name ?? "")], node.Attributes, node.Domain);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i] is { } output)
                flat[output] = twin.Outputs[i]!;
        }
    }
}
