using Tersor.Onnx;

namespace Tersor.Reporting.Inspection;

/// <summary>Which node uses which constant, looking through nodes that only reshape, cast or dequantize constants.</summary>
internal sealed class WeightOwners
{
    private readonly Dictionary<Node, List<Tensor>> tensors = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Value> derived = new(ReferenceEqualityComparer.Instance); // values computed from constants alone

    public WeightOwners(Model model)
    {
        HashSet<Value> claimed = new(ReferenceEqualityComparer.Instance);
        foreach (Graph graph in model.AllGraphs())
        {
            foreach (Node node in graph.Nodes)
            {
                if (node.Is("Constant") || IsDerived(node))
                    continue;
                List<Tensor> own = [];
                foreach (Value input in node.Inputs.OfType<Value>())
                    Claim(input, own, claimed);
                tensors[node] = own;
            }
        }
    }

    /// <summary>The nodes that compute something from inputs, with the constants each is the first to use.</summary>
    public IReadOnlyDictionary<Node, List<Tensor>> ByNode => tensors;

    /// <summary>True for numbers that were learned, false for shapes, indices, flags and text.</summary>
    public static bool IsWeight(Tensor tensor) => tensor.Type is not (ElementType.Int64 or ElementType.Bool or ElementType.String);

    private bool IsDerived(Node node)
    {
        bool all = node.Inputs.Count > 0 && !node.Bodies.Any() && node.Inputs.All(v => v is null || v.Tensor is not null || derived.Contains(v));
        if (all)
        {
            foreach (Value output in node.Outputs.OfType<Value>())
                derived.Add(output);
        }
        return all;
    }

    private void Claim(Value value, List<Tensor> own, HashSet<Value> claimed)
    {
        if (!claimed.Add(value))
            return;
        if (value.Tensor is { } tensor)
        {
            own.Add(tensor);
        }
        else if (value.SparseInitializer is { } sparse)
        {
            own.Add(sparse.Values);
        }
        else if (derived.Contains(value))
        {
            foreach (Value input in value.Producer!.Inputs.OfType<Value>())
                Claim(input, own, claimed);
        }
    }
}
