using Google.Protobuf.Collections;
using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Nodes that stand together: those of a graph, of a nested body or of a function.</summary>
internal sealed record NodeList(RepeatedField<NodeProto> Nodes, GraphProto? Graph);

/// <summary>Every place of one kind in a model, nested bodies and functions included.</summary>
internal static class ModelSites
{
    public static IEnumerable<GraphProto> Graphs(this ModelProto model) => model.Lists().Select(l => l.Graph).OfType<GraphProto>();

    public static IEnumerable<NodeList> Lists(this ModelProto model)
    {
        Stack<NodeList> open = new([new(model.Graph.Node, model.Graph), .. model.Functions.Select(f => new NodeList(f.Node, null))]);
        while (open.TryPop(out NodeList? list))
        {
            yield return list;
            foreach (GraphProto body in list.Nodes.SelectMany(n => n.Attribute).SelectMany(Bodies))
                open.Push(new(body.Node, body));
        }
    }

    public static IEnumerable<GraphProto> Bodies(this AttributeProto attribute) => attribute.G is { } body ? attribute.Graphs.Prepend(body) : attribute.Graphs;

    public static IEnumerable<NodeProto> Nodes(this ModelProto model) => model.Lists().SelectMany(l => l.Nodes);

    public static IEnumerable<AttributeProto> Attributes(this ModelProto model) => model.Nodes().SelectMany(n => n.Attribute);

    public static IEnumerable<TensorProto> Tensors(this ModelProto model) =>
        model.Graphs().SelectMany(g => g.Initializer).Concat(model.Attributes().SelectMany(a => a.T is { } one ? a.Tensors.Prepend(one) : a.Tensors));

    public static IEnumerable<ValueInfoProto> Values(this ModelProto model) => model.Graphs().SelectMany(g => g.Input.Concat(g.Output).Concat(g.ValueInfo));

    public static IEnumerable<TensorShapeProto> Shapes(this ModelProto model) => model.Values().Select(v => v.Type?.TensorType?.Shape).OfType<TensorShapeProto>();

    /// <summary>Names of values that something makes.</summary>
    public static IEnumerable<string> ValueNames(this ModelProto model) =>
        model.Graphs().SelectMany(g => g.Input.Select(v => v.Name).Concat(g.Initializer.Select(t => t.Name))).Concat(model.Nodes().SelectMany(n => n.Output)).Where(n => n.Length > 0).Distinct();
}
