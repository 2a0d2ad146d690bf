using Tersor.Onnx;

namespace Tersor.Compression.Training.Students;

/// <summary>A part of a model that adds something to a value: out = x + f(x). Without it the model still runs, with x in place of out.</summary>
/// <param name="Add">The node that adds.</param>
/// <param name="Skipped">x.</param>
/// <param name="Branch">The nodes between x and the sum, in the order of the graph.</param>
/// <remarks>That such a block can go without much harm: Veit et al. 2016, arXiv:1605.06431, section 4.1.</remarks>
internal sealed record ResidualBlock(Node Add, Value Skipped, IReadOnlyList<Node> Branch)
{
    /// <summary>What it is made of; blocks of one kind have the same.</summary>
    public string Kind { get; } = string.Join(' ', Branch.Select(n => n.OpType));

    /// <summary>The blocks of a model's main graph, in order. Of blocks inside one another, the innermost.</summary>
    public static IReadOnlyList<ResidualBlock> Find(Model model)
    {
        InferredTypes types = ShapeInference.Infer(model);
        Dictionary<Node, int> order = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in model.Graph.Nodes)
            order[node] = order.Count;
        List<ResidualBlock> blocks = [];
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Is("Add", "Sum") && node.Inputs.Count == 2 && Of(node, types, order) is { } block && !block.Branch.Any(n => blocks.Any(b => ReferenceEquals(b.Add, n))))
                blocks.Add(block);
        }
        return blocks;
    }

    private static ResidualBlock? Of(Node add, InferredTypes types, Dictionary<Node, int> order)
    {
        if (add.Outputs[0] is not { IsGraphOutput: false } sum || types.TensorTypeOf(sum) is not { Shape: not null } type)
            return null;
        foreach ((Value? skipped, Value? added) in new[] { (add.Input(0), add.Input(1)), (add.Input(1), add.Input(0)) })
        {
            if (skipped is null or { Tensor: not null } || added?.Producer is null || types.TensorTypeOf(skipped) is not { Shape: not null } own || !Same(own, type))
                continue;
            Node[] branch = [.. Between(skipped, added, order).OrderBy(n => order[n])];
            if (branch.Any(n => n.Is("Conv", "MatMul", "Gemm", "LSTM", "GRU") && n.Inputs.Any(i => i?.Tensor is not null)))
                return new(add, skipped, branch);
        }
        return null;
    }

    private static bool Same(OnnxType.Tensor one, OnnxType.Tensor other) => one.ElementType == other.ElementType
        && one.Shape!.Value.Length == other.Shape!.Value.Length && one.Shape.Value.Zip(other.Shape.Value).All(d => d.First.Size == d.Second.Size && (d.First.Size is not null || d.First.Symbol == d.Second.Symbol));

    /// <summary>Nodes that a value depends on and that depend on another; empty where it does not depend on it.</summary>
    private static HashSet<Node> Between(Value from, Value to, Dictionary<Node, int> order)
    {
        int start = from.Producer is { } producer && order.TryGetValue(producer, out int place) ? place : -1;
        Dictionary<Node, bool> depends = new(ReferenceEqualityComparer.Instance);
        Visit(to.Producer!);
        return [.. depends.Where(d => d.Value).Select(d => d.Key)];

        bool Visit(Node first)
        {
            // Deep models would overflow a recursion.
            Stack<(Node Node, bool Seen)> stack = new([(first, false)]);
            while (stack.TryPop(out (Node Node, bool Seen) top))
            {
                IEnumerable<Value> read = top.Node.Inputs.OfType<Value>();
                if (top.Seen)
                {
                    depends[top.Node] = read.Any(v => ReferenceEquals(v, from) || v.Producer is { } p && depends.GetValueOrDefault(p));
                    continue;
                }
                if (!depends.TryAdd(top.Node, false))
                    continue;
                stack.Push((top.Node, true));
                foreach (Node next in read.Select(v => v.Producer).OfType<Node>().Where(n => order.TryGetValue(n, out int at) && at > start && !depends.ContainsKey(n)))
                    stack.Push((next, false));
            }
            return depends[first];
        }
    }
}
