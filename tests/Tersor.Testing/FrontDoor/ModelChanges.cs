using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Versions, operator sets and functions.</summary>
internal static class ModelChanges
{
    public static ModelChange[] All { get; } = [Opset, Opset, NoOpset, SecondOpset, FileVersion, Function, Function, FunctionParts, NoGraph];

    public static string? Opset(ModelProto model, Draw draw)
    {
        if (draw.Any(model.OpsetImport) is not { } import)
            return null;
        import.Version = draw.OneIn(6) ? draw.Integer() : draw.OneIn(4) ? draw.Below(100) : draw.Below(25);
        return $"operator set '{import.Domain}' is {import.Version}";
    }

    private static string? NoOpset(ModelProto model, Draw draw)
    {
        if (!draw.OneIn(3))
            return null;
        model.OpsetImport.Clear();
        return "no operator set";
    }

    private static string? SecondOpset(ModelProto model, Draw draw)
    {
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = draw.OneIn(3) ? draw.Name() : draw.Pick(["", "ai.onnx", "ai.onnx.ml", "com.microsoft"]), Version = draw.Below(25) });
        return $"one more operator set: {model.OpsetImport[^1]}";
    }

    private static string? FileVersion(ModelProto model, Draw draw)
    {
        model.IrVersion = draw.OneIn(4) ? draw.Integer() : draw.Below(15);
        return $"IR version is {model.IrVersion}";
    }

    /// <summary>A node becomes a call of a function that does what it did, or calls itself.</summary>
    public static string? Function(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graph.Node.Where(n => n.Input.All(i => i.Length > 0))) is not { } node)
            return null;
        NodeProto inner = node.Clone();
        FunctionProto function = new()
        {
            Name = draw.OneIn(3) ? node.OpType : "Own",
            Domain = draw.OneIn(4) ? "" : "own",
            Input = { node.Input.Distinct() },
            Output = { node.Output },
            Node = { inner },
            OpsetImport = { draw.OneIn(6) ? [] : model.OpsetImport.Select(o => o.Clone()) },
        };
        if (draw.OneIn(4))
            (inner.OpType, inner.Domain) = (function.Name, function.Domain);
        string[] inputs = [.. node.Input.Distinct()];
        node.Input.Clear();
        node.Input.AddRange(inputs);
        (node.OpType, node.Domain) = (function.Name, function.Domain);
        if (!draw.OneIn(3))
            node.Attribute.Clear();
        model.Functions.Add(function);
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "own", Version = 1 });
        model.IrVersion = Math.Max(model.IrVersion, 8);
        return $"{inner.OpType} is the function '{function.Domain}:{function.Name}'";
    }

    private static string? FunctionParts(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Functions) is not { } function)
            return null;
        switch (draw.Below(6))
        {
            case 0:
                function.Input.Add(draw.OneIn(2) ? "another" : function.Input.FirstOrDefault() ?? "");
                break;
            case 1 when function.Output.Count > 0:
                function.Output.RemoveAt(0);
                break;
            case 2:
                function.Output.Add("nothing makes this");
                break;
            case 3:
                function.Attribute.Add(draw.Name());
                break;
            case 4:
                model.Functions.Add(function.Clone());
                break;
            default:
                function.OpsetImport.Clear();
                break;
        }
        return $"function {function.Name}: {function.Input.Count} inputs, {function.Output.Count} outputs";
    }

    private static string? NoGraph(ModelProto model, Draw draw)
    {
        if (!draw.OneIn(4))
            return null;
        model.Graph = new() { Name = "empty" };
        return "no graph";
    }
}
