using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>An operator found written out in small nodes.</summary>
/// <param name="What">The operator's name, for reports.</param>
/// <param name="Root">The last of the nodes.</param>
/// <param name="Input">What the nodes read beside constants.</param>
/// <param name="Opset">The operator set that has what is emitted.</param>
/// <param name="Emitted">How many nodes take their place.</param>
/// <param name="Emit">Writes them before the root, and gives what takes the place of the root's output.</param>
internal sealed record PatternMatch(string What, Node Root, Value Input, long Opset, int Emitted, Func<Node, Value> Emit)
{
    private const int MaxNodes = 64;

    /// <summary>The nodes from the input to the root; null where one stands in another graph.</summary>
    public IReadOnlyCollection<Node>? Nodes { get; } = Interior(Root, Input);

    /// <summary>True when fewer nodes take the place of the nodes found.</summary>
    public bool IsGain => Nodes is null || Nodes.Count > Emitted;

    /// <summary>Why the nodes cannot be replaced, or null.</summary>
    public string? Obstacle(TypeFacts types)
    {
        if (Nodes is null)
            return $"is a {What} across graphs";
        foreach (Node node in Nodes.Where(n => !ReferenceEquals(n, Root)))
        {
            if (node.Outputs.OfType<Value>().FirstOrDefault(o => o.IsGraphOutput || o.Uses.Any(u => !Nodes.Contains(u.Node))) is { } read)
                return $"is a {What}, but '{read.Name}' inside it has other readers";
        }
        return types.Element(Input) is { } type and not ElementType.Float32 ? $"is a {What} in {type}" : null;
    }

    /// <summary>Replaces the nodes.</summary>
    public void Apply(PassReport report)
    {
        report.Changed(Root.ToString(), $"{Nodes!.Count} nodes that compute {What} are now {(Emitted == 1 ? "one" : $"{Emitted}")}");
        Value old = Root.Outputs[0]!, made = Emit(Root);
        made.Type = old.Type;
        old.ReplaceAllUsesWith(made);
        Rewire.RemoveChain(Root);
    }

    private static HashSet<Node>? Interior(Node root, Value input)
    {
        HashSet<Node> nodes = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>) { root };
        Stack<Node> open = new([root]);
        while (open.TryPop(out Node? node))
        {
            foreach (Value read in node.Inputs.OfType<Value>().Where(i => i.Constant is null && !ReferenceEquals(i, input)))
            {
                if (read.Producer is not { } producer || !ReferenceEquals(producer.Graph, root.Graph) || nodes.Count > MaxNodes)
                    return null;
                if (nodes.Add(producer))
                    open.Push(producer);
            }
        }
        return nodes;
    }
}
