using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Which computed values are stored in place of what computes them, so that the file does not grow: a value that takes more bytes than the constants it frees stays computed, and then perhaps one before it is stored.</summary>
/// <remarks>So int8 → Cast → Mul(scale), ConstantOfShape and DequantizeLinear of a weight stay as they are: they are how a weight is stored small.</remarks>
internal sealed class SizeRule(FoldConstantsOptions options)
{
    public List<(Node Node, string What, Value Output, Tensor Tensor)> Choose(IReadOnlyList<Node> region, Dictionary<Value, Tensor> results, ref double budget, PassReport report)
    {
        List<(Node, string, Value, Tensor)> chosen = [];
        HashSet<Node> inside = new(region.Where(n => n.Bodies.Any() || n.Outputs.Any(o => o is not null && results.ContainsKey(o))), ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        // From the back: a node is wanted where something outside the region, or a node that stays, reads it.
        HashSet<Node> gone = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        foreach (Node node in region.Reverse().Where(inside.Contains))
        {
            Value[] outputs = [.. node.Outputs.OfType<Value>().Where(o => o.IsGraphOutput || o.Uses.Any(u => !gone.Contains(u.Node)))];
            if (outputs.Length == 0)
            {
                gone.UnionWith(WithBodies(node)); // only what is stored already needed it
                continue;
            }
            string? reason = outputs.Any(o => o.IsGraphOutput) ? "constant, but its graph gives it out"
                : outputs.Any(o => !results.ContainsKey(o)) ? node.Bodies.Any() ? "gives a sequence, which cannot be stored" : "not every output could be computed"
                : null;
            double stored = outputs.Sum(o => results.TryGetValue(o, out Tensor? t) ? t.ByteLength : 0), freed = Freed(node, gone);
            double growth = stored - freed;
            if (reason is null && growth > 0 && (growth > options.SmallBytes || growth > budget || KeepsWeightSmall(node)))
                reason = $"its result takes {stored:0} bytes, the constants it would replace {freed:0}";
            if (reason is not null)
            {
                report.Skip(node.ToString(), reason);
                continue;
            }
            budget -= growth;
            gone.UnionWith(WithBodies(node));
            foreach (Value output in outputs)
                chosen.Add((node, $"computed: {results[output]}", output, results[output]));
        }
        return chosen;
    }

    /// <summary>Operators that turn a small stored form into a large one.</summary>
    private static bool KeepsWeightSmall(Node node) => node.Is("DequantizeLinear") && node.Input(0) is { Constant.Length: > 64 };

    /// <summary>Bytes of constants that nothing reads once the node is gone, and what then only it read.</summary>
    private static double Freed(Node node, HashSet<Node> gone)
    {
        HashSet<Node> cone = new(gone, ReferenceEqualityComparer.Instance as IEqualityComparer<Node>) { node };
        cone.UnionWith(WithBodies(node));
        HashSet<Value> counted = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        double bytes = 0;
        Queue<Node> queue = new(WithBodies(node));
        while (queue.TryDequeue(out Node? next))
        {
            foreach (Value input in next.Inputs.OfType<Value>())
            {
                if (input.IsGraphOutput || !input.Uses.All(u => cone.Contains(u.Node)))
                    continue;
                if (input.Constant is { } constant && !input.IsGraphInput)
                    bytes += counted.Add(input) ? constant.ByteLength : 0;
                else if (input.Producer is { } producer && cone.Add(producer))
                {
                    foreach (Node further in WithBodies(producer))
                    {
                        cone.Add(further);
                        queue.Enqueue(further);
                    }
                }
            }
        }
        return bytes;
    }

    /// <summary>A node and all that stand in its bodies: they go together.</summary>
    private static IEnumerable<Node> WithBodies(Node node) => node.Bodies.SelectMany(b => b.WithNested()).SelectMany(g => g.Nodes).Prepend(node);
}
