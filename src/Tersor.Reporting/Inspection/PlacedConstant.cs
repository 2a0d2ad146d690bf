using Tersor.Onnx;

namespace Tersor.Reporting.Inspection;

/// <summary>A constant of a model and where it stands.</summary>
internal sealed record PlacedConstant(Tensor Tensor, string Place)
{
    /// <summary>Every constant once.</summary>
    public static IEnumerable<PlacedConstant> All(Model model)
    {
        foreach (Graph graph in model.AllGraphs())
        {
            string where = graph.Function is not null ? " in a function" : graph.Owner is not null ? " in a nested body" : "";
            foreach (Value value in graph.Initializers)
            {
                if (value.SparseInitializer is { } sparse)
                {
                    yield return new(sparse.Values, $"sparse initializer{where}");
                    yield return new(sparse.Indices, $"sparse initializer{where}");
                }
                else if (value.Tensor is { } tensor)
                {
                    yield return new(tensor, $"{(value.IsOverridable ? "overridable initializer" : "initializer")}{where}{(tensor.IsExternal ? ", external data" : "")}");
                }
            }
            foreach (Node node in graph.Nodes)
            {
                if (node.Is("Constant") && node.Output(0)?.Tensor is { } tensor)
                    yield return new(tensor, $"Constant node{where}");
            }
        }
    }

    /// <summary>The way from the main graph to a body: names of the nodes around it, or of the function.</summary>
    public static string PathOf(Graph graph)
    {
        string outer = graph.Parent is { } parent ? PathOf(parent) : "";
        string own = graph.Owner is { } owner ? $"{(owner.Name.Length > 0 ? owner.Name : owner.OpType)}/{BodyName(owner, graph)}" : graph.Function?.Name ?? "";
        return outer.Length > 0 ? $"{outer}/{own}" : own;
    }

    private static string BodyName(Node owner, Graph body) => owner.Attributes.FirstOrDefault(a => ReferenceEquals((a.Value as NodeAttribute.Body)?.Value, body)).Key ?? "body";
}
