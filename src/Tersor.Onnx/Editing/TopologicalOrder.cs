namespace Tersor.Onnx.Editing;

/// <summary>Producers before readers; what a body reads from outside counts as read by the node that holds the body.</summary>
internal static class TopologicalOrder
{
    /// <summary>The order the nodes of this graph should have, or null when they have it. The existing order is kept where it is right.</summary>
    /// <exception cref="OnnxException">The nodes depend on each other in a circle.</exception>
    public static IReadOnlyList<Node>? Of(Graph graph)
    {
        List<Node> nodes = [.. graph.Nodes];
        Dictionary<Node, int> place = new(nodes.Count, ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        for (int i = 0; i < nodes.Count; i++)
            place[nodes[i]] = i;

        bool sorted = true;
        int[] waiting = new int[nodes.Count];
        List<int>[] readers = new List<int>[nodes.Count];
        ILookup<Value, int> givers = BodyOutputs(graph, nodes);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (Value? output in nodes[i].Outputs)
            {
                foreach (Use use in output?.Uses ?? [])
                {
                    if (Holder(use.Node, graph) is not { } holder || !place.TryGetValue(holder, out int reader))
                        continue;
                    Follows(reader, i);
                }
                foreach (int giver in output is { IsGraphOutput: true } ? givers[output] : [])
                    Follows(giver, i);
            }
        }
        if (sorted)
            return null;

        PriorityQueue<int, int> ready = new();
        for (int i = 0; i < nodes.Count; i++)
        {
            if (waiting[i] == 0)
                ready.Enqueue(i, i);
        }
        List<Node> order = new(nodes.Count);
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(nodes[next]);
            foreach (int reader in readers[next] ?? [])
            {
                if (--waiting[reader] == 0)
                    ready.Enqueue(reader, reader);
            }
        }
        if (order.Count < nodes.Count)
        {
            Node stuck = nodes.First(n => waiting[place[n]] > 0);
            throw new OnnxException($"The nodes of graph '{graph.Name}' depend on each other in a circle; {stuck} is part of it.");
        }
        return order;

        void Follows(int reader, int producer)
        {
            sorted &= reader > producer;
            waiting[reader]++;
            (readers[producer] ??= []).Add(reader);
        }
    }

    /// <summary>Which nodes' bodies give out a value of this graph directly, without a node that reads it.</summary>
    private static ILookup<Value, int> BodyOutputs(Graph graph, List<Node> nodes) =>
        nodes.SelectMany((node, i) => node.Bodies.SelectMany(b => b.WithNested()).SelectMany(b => b.Outputs)
                .Where(v => ReferenceEquals(v.Graph, graph)).Select(v => (Value: v, Node: i)))
            .ToLookup(pair => pair.Value, pair => pair.Node);

    /// <summary>The node of <paramref name="graph"/> in which <paramref name="node"/> stands: itself, or the one whose body holds it.</summary>
    private static Node? Holder(Node node, Graph graph)
    {
        while (!ReferenceEquals(node.Graph, graph))
        {
            if (node.Graph.Owner is not { } owner)
                return null;
            node = owner;
        }
        return node;
    }
}
