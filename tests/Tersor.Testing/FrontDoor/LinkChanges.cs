using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Links: who reads what, what is an input, what is given out.</summary>
internal static class LinkChanges
{
    public static ModelChange[] All { get; } = [Rewire, Rewire, Exchange, Missing, LeftOut, MoreInputs, FewerInputs, Outputs, SameOutput, Cycle, GraphInput, Listed, GraphOutput, GiveOut, ValueInfo, Sparse];

    private static string? Rewire(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Input.Count > 0)) is not { } node || draw.Any(model.ValueNames()) is not { } name)
            return null;
        int at = draw.Below(node.Input.Count);
        node.Input[at] = name;
        return $"input {at} of {node.OpType} is '{name}'";
    }

    private static string? Exchange(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Input.Count > 1)) is not { } node)
            return null;
        int one = draw.Below(node.Input.Count), two = draw.Below(node.Input.Count);
        (node.Input[one], node.Input[two]) = (node.Input[two], node.Input[one]);
        return $"inputs {one} and {two} of {node.OpType} change places";
    }

    private static string? Missing(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Input.Count > 0)) is not { } node)
            return null;
        node.Input[draw.Below(node.Input.Count)] = draw.OneIn(2) ? "nobody makes this" : draw.Name();
        return $"{node.OpType} reads what nobody makes";
    }

    private static string? LeftOut(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Input.Count > 0)) is not { } node)
            return null;
        int at = draw.Below(node.Input.Count);
        node.Input[at] = "";
        return $"input {at} of {node.OpType} is left out";
    }

    private static string? MoreInputs(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } node || draw.Any(model.ValueNames()) is not { } name)
            return null;
        for (int i = draw.Pick([1, 1, 2, 20]); i > 0; i--)
            node.Input.Add(name);
        return $"{node.OpType} has {node.Input.Count} inputs";
    }

    private static string? FewerInputs(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Input.Count > 0)) is not { } node)
            return null;
        node.Input.RemoveAt(draw.OneIn(4) ? 0 : node.Input.Count - 1);
        return $"{node.OpType} has {node.Input.Count} inputs";
    }

    private static string? Outputs(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } node)
            return null;
        if (node.Output.Count > 0 && draw.OneIn(3))
            node.Output.RemoveAt(draw.Below(node.Output.Count));
        else if (node.Output.Count > 0 && draw.OneIn(3))
            node.Output[draw.Below(node.Output.Count)] = "";
        else
            node.Output.Add(draw.OneIn(3) ? "" : $"more{draw.Below(3)}");
        return $"{node.OpType} has the outputs [{node.Output}]";
    }

    private static string? SameOutput(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Output.Count > 0)) is not { } node || draw.Any(model.ValueNames()) is not { } name)
            return null;
        node.Output[draw.Below(node.Output.Count)] = name;
        return $"{node.OpType} makes '{name}'";
    }

    private static string? Cycle(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Input.Count > 0 && n.Output.Count > 0)) is not { } node)
            return null;
        node.Input[draw.Below(node.Input.Count)] = node.Output[0];
        return $"{node.OpType} reads itself";
    }

    private static string? GraphInput(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graphs()) is not { } graph)
            return null;
        if (graph.Input.Count > 0 && draw.OneIn(2))
            graph.Input.RemoveAt(draw.Below(graph.Input.Count));
        else if (graph.Input.Count > 0 && draw.OneIn(2))
            graph.Input.Add(draw.Pick(graph.Input).Clone());
        else
            graph.Input.Add(new ValueInfoProto { Name = draw.OneIn(3) ? "" : "more", Type = new() { TensorType = new() { ElemType = draw.Below(17), Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = draw.Pick<long>([0, 1, 3]) } } } } } });
        return $"graph '{graph.Name}' has {graph.Input.Count} inputs";
    }

    /// <summary>A weight that is listed as an input, as old files have it: valid.</summary>
    public static string? Listed(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graph.Initializer) is not { } weight)
            return null;
        model.Graph.Input.Add(new ValueInfoProto { Name = weight.Name, Type = new() { TensorType = new() { ElemType = weight.DataType, Shape = new() { Dim = { weight.Dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }) } } } } });
        return $"'{weight.Name}' is an input, too";
    }

    private static string? GraphOutput(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graphs()) is not { } graph)
            return null;
        if (graph.Output.Count > 0 && draw.OneIn(3))
            graph.Output.RemoveAt(draw.Below(graph.Output.Count));
        else if (graph.Output.Count > 0 && draw.OneIn(3))
            graph.Output[draw.Below(graph.Output.Count)].Name = draw.OneIn(3) ? draw.Name() : draw.Any(model.ValueNames()) ?? "";
        else
            graph.Output.Add(new ValueInfoProto { Name = draw.Any(model.ValueNames()) ?? "" });
        return $"graph '{graph.Name}' gives out [{string.Join(", ", graph.Output.Select(v => v.Name))}]";
    }

    /// <summary>One more value is given out, without a type: valid by itself.</summary>
    public static string? GiveOut(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graph.Node.SelectMany(n => n.Output).Where(o => o.Length > 0 && model.Graph.Output.All(v => v.Name != o))) is not { } name)
            return null;
        model.Graph.Output.Insert(draw.Below(model.Graph.Output.Count + 1), new ValueInfoProto { Name = name, Type = new() { TensorType = new() { ElemType = 1 } } });
        return $"'{name}' is given out, too";
    }

    private static string? ValueInfo(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graphs()) is not { } graph || draw.Any(model.ValueNames()) is not { } name)
            return null;
        graph.ValueInfo.Add(new ValueInfoProto { Name = name, Type = new() { TensorType = new() { ElemType = draw.Pick([1, 7, 8]), Shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimValue = draw.Integer() } } } } } });
        return $"'{name}' is declared [{graph.ValueInfo[^1].Type.TensorType.Shape.Dim[0].DimValue}]";
    }

    private static string? Sparse(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graph.Initializer) is not { } weight)
            return null;
        model.Graph.SparseInitializer.Add(new SparseTensorProto
        {
            Values = new() { Name = draw.OneIn(2) ? weight.Name : "sparse", DataType = 1, Dims = { 2 }, FloatData = { 1f, 2f } },
            Indices = new() { DataType = 7, Dims = { 2 }, Int64Data = { 0, draw.OneIn(2) ? 3 : draw.Integer() } },
            Dims = { draw.OneIn(2) ? 4 : draw.Integer() },
        });
        if (draw.OneIn(2))
            model.Graph.Initializer.Remove(weight);
        return $"'{weight.Name}' is sparse";
    }
}
