using Google.Protobuf.Collections;
using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Names: of values everywhere they are read, of nodes, graphs and the model's own texts.</summary>
internal static class NameChanges
{
    public static ModelChange[] All { get; } = [Value, Value, Clash, Node, Graph, Texts, Metadata];

    /// <summary>Consistent: the model computes what it did.</summary>
    public static string? Value(ModelProto model, Draw draw)
    {
        if (draw.Any(model.ValueNames()) is not { } name)
            return null;
        string other = draw.Name();
        Rename(model, name, other);
        return $"'{name}' is called '{other}'";
    }

    private static string? Clash(ModelProto model, Draw draw)
    {
        if (draw.Any(model.ValueNames()) is not { } name || draw.Any(model.ValueNames()) is not { } other)
            return null;
        Rename(model, name, other);
        return $"'{name}' is called '{other}', too";
    }

    public static string? Node(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } node)
            return null;
        node.Name = draw.OneIn(3) ? draw.Any(model.Nodes())!.Name : draw.Name();
        return $"{node.OpType} is called '{node.Name}'";
    }

    private static string? Graph(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graphs()) is not { } graph)
            return null;
        graph.Name = draw.Name();
        return $"a graph is called '{graph.Name}'";
    }

    private static string? Texts(ModelProto model, Draw draw)
    {
        (model.ProducerName, model.ProducerVersion, model.Domain, model.DocString) = (draw.Name(), draw.Name(), draw.Name(), draw.Name());
        return $"made by '{model.ProducerName}' '{model.ProducerVersion}'";
    }

    private static string? Metadata(ModelProto model, Draw draw)
    {
        if (draw.Any(model.MetadataProps.Where(p => p.Key.StartsWith("tersor", StringComparison.Ordinal))) is { } own)
        {
            own.Value = new TextMutator(draw).Json(own.Value);
            return $"metadata '{own.Key}' is {own.Value}";
        }
        model.MetadataProps.Add(new StringStringEntryProto { Key = draw.OneIn(2) ? "tersor.constraints" : draw.Name(), Value = draw.OneIn(2) ? draw.Name() : "{\"w\":[{\"$type\":\"mask\"}]}" });
        return $"metadata '{model.MetadataProps[^1].Key}' is added";
    }

    private static void Rename(ModelProto model, string name, string other)
    {
        foreach (NodeProto node in model.Nodes())
        {
            Replace(node.Input, name, other);
            Replace(node.Output, name, other);
        }
        foreach (ValueInfoProto value in model.Values().Where(v => v.Name == name))
            value.Name = other;
        foreach (TensorProto tensor in model.Tensors().Where(t => t.Name == name))
            tensor.Name = other;
    }

    private static void Replace(RepeatedField<string> names, string name, string other)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
                names[i] = other;
        }
    }
}
