using Tersor.Onnx.Protos;
using Kind = Tersor.Onnx.Protos.AttributeProto.Types.AttributeType;

namespace Tersor.Testing.FrontDoor;

/// <summary>Nodes: other operators and domains, left out, doubled, moved, wrapped in branches.</summary>
internal static class NodeChanges
{
    private static readonly string[] Unary =
    [
        "Identity", "Relu", "Neg", "Abs", "Sqrt", "Exp", "Log", "Reciprocal", "Sigmoid", "Tanh", "Softmax", "Dropout", "Floor", "Round", "Erf", "HardSwish", "Elu", "LeakyRelu", "Transpose", "Flatten", "DynamicQuantizeLinear", "IsNaN", "Sign",
        "Cast", "RandomUniformLike", "LpNormalization", "Hardmax", "CastLike", "Squeeze", "Not", "NonZero", "Shape", "Size",
    ];

    private static readonly string[] Operators =
    [
        "Add", "Mul", "Div", "Pow", "Mod", "MatMul", "Gemm", "Conv", "ConvTranspose", "Relu", "Identity", "Cast", "Shape", "Size", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Gather", "GatherElements",
        "GatherND", "ScatterND", "Pad", "Tile", "Expand", "ConstantOfShape", "Range", "OneHot", "NonZero", "TopK", "ArgMax", "ReduceMean", "ReduceSum", "Softmax", "LogSoftmax", "LayerNormalization", "BatchNormalization",
        "InstanceNormalization", "Resize", "MaxPool", "AveragePool", "GlobalAveragePool", "Dropout", "LSTM", "GRU", "RNN", "If", "Loop", "Scan", "Constant", "Where", "Equal", "Not", "CumSum", "Einsum", "DepthToSpace", "SpaceToDepth",
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "RandomNormal", "RandomUniformLike", "Bernoulli", "SequenceConstruct", "SequenceAt", "Optional", "StringNormalizer", "Flatten", "Trilu", "EyeLike", "Multinomial",
        "MatMulInteger", "QLinearMatMul", "QLinearConv", "ConvInteger", "Clip", "Erf", "Gelu", "PRelu", "HardSigmoid", "NoSuchOperator", "",
    ];

    public static ModelChange[] All { get; } = [Operator, Operator, Swap, Domain, Delete, Bypass, Duplicate, Move, Branch, Deep, Insert, Constant];

    private static string? Operator(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } node)
            return null;
        string before = node.OpType;
        node.OpType = draw.Pick(Operators);
        return $"{before} is {node.OpType}";
    }

    /// <summary>Two operators change places.</summary>
    private static string? Swap(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } one || draw.Any(model.Nodes()) is not { } two)
            return null;
        (one.OpType, two.OpType) = (two.OpType, one.OpType);
        return $"{two.OpType} and {one.OpType} change places";
    }

    private static string? Domain(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } node)
            return null;
        node.Domain = draw.OneIn(4) ? draw.Name() : draw.Pick(["", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "unknown", "f"]);
        if (draw.OneIn(2))
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = node.Domain, Version = draw.OneIn(3) ? draw.Integer() : 1 });
        return $"{node.OpType} is of domain '{node.Domain}'";
    }

    private static string? Delete(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Lists().Where(l => l.Nodes.Count > 0)) is not { } list)
            return null;
        int at = draw.Below(list.Nodes.Count);
        string operation = list.Nodes[at].OpType;
        list.Nodes.RemoveAt(at);
        return $"{operation} is gone";
    }

    /// <summary>A node is taken out and what reads it reads its input: valid where the shapes allow it.</summary>
    private static string? Bypass(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Lists().Where(l => l.Nodes.Count > 1)) is not { } list || draw.Any(list.Nodes.Where(n => n.Input.Count > 0 && n.Output.Count > 0)) is not { } node)
            return null;
        foreach (NodeProto reader in list.Nodes)
        {
            for (int i = 0; i < reader.Input.Count; i++)
            {
                if (reader.Input[i] == node.Output[0])
                    reader.Input[i] = node.Input[0];
            }
        }
        return $"{node.OpType} is passed by";
    }

    private static string? Duplicate(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Lists().Where(l => l.Nodes.Count > 0)) is not { } list)
            return null;
        NodeProto copy = draw.Pick(list.Nodes).Clone();
        if (draw.OneIn(2))
        {
            for (int i = 0; i < copy.Output.Count; i++)
                copy.Output[i] += "_copy";
        }
        list.Nodes.Insert(draw.Below(list.Nodes.Count + 1), copy);
        return $"{copy.OpType} stands there twice";
    }

    /// <summary>An operator between a node and one of its inputs; most keep the shape.</summary>
    public static string? Insert(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Lists().Where(l => l.Nodes.Count > 0)) is not { } list || draw.Any(list.Nodes.Where(n => n.Input.Any(i => i.Length > 0))) is not { } node)
            return null;
        int at = draw.Below(node.Input.Count);
        string from = node.Input[at], between = $"between{model.Nodes().Count()}";
        if (from.Length == 0)
            return null;
        NodeProto inserted = new() { OpType = draw.Pick(Unary), Input = { from }, Output = { between } };
        if (inserted.OpType == "Cast")
            inserted.Attribute.Add(new AttributeProto { Name = "to", Type = Kind.Int, I = draw.Pick<long>([1, 1, 10, 11, 7, 16]) });
        if (inserted.OpType == "CastLike")
            inserted.Input.Add(from);
        node.Input[at] = between;
        list.Nodes.Insert(list.Nodes.IndexOf(node), inserted);
        return $"{inserted.OpType} stands before {node.OpType}";
    }

    /// <summary>A weight becomes a Constant node: valid by itself.</summary>
    public static string? Constant(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Graph.Initializer) is not { } weight)
            return null;
        model.Graph.Initializer.Remove(weight);
        model.Graph.Node.Insert(0, new NodeProto { OpType = "Constant", Output = { weight.Name }, Attribute = { new AttributeProto { Name = "value", Type = Kind.Tensor, T = weight } } });
        return $"'{weight.Name}' is a Constant node";
    }

    private static string? Move(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Lists().Where(l => l.Nodes.Count > 1)) is not { } list)
            return null;
        NodeProto node = draw.Pick(list.Nodes);
        list.Nodes.Remove(node);
        list.Nodes.Insert(draw.Below(list.Nodes.Count + 1), node);
        return $"{node.OpType} stands elsewhere";
    }

    /// <summary>A node becomes a choice of two equal ones.</summary>
    public static string? Branch(ModelProto model, Draw draw) => Wrap(model, draw, 1);

    /// <summary>The same many times over, one inside the other: what doubles with every level must not.</summary>
    private static string? Deep(ModelProto model, Draw draw) => draw.OneIn(4) ? Wrap(model, draw, draw.Pick([2, 5, 12])) : null;

    private static string? Wrap(ModelProto model, Draw draw, int levels)
    {
        if (draw.Any(model.Graph.Node.Where(n => n.Output.Count == 1)) is not { } node)
            return null;
        int at = model.Graph.Node.IndexOf(node);
        string name = node.Output[0], operation = node.OpType;
        NodeProto current = node.Clone();
        for (int level = 0; level < levels; level++)
        {
            current = new()
            {
                OpType = "If",
                Name = $"choose{level}",
                Input = { "always" },
                Output = { name },
                Attribute = { new AttributeProto { Name = "then_branch", Type = Kind.Graph, G = Body(current, "then", level) }, new AttributeProto { Name = "else_branch", Type = Kind.Graph, G = Body(current, "else", level) } },
            };
        }
        model.Graph.Node[at] = current;
        if (!draw.OneIn(8) && model.Graph.Initializer.All(t => t.Name != "always"))
            model.Graph.Initializer.Add(new TensorProto { Name = "always", DataType = 9, Int32Data = { 1 } });
        return $"{operation} is in {levels} branches";
    }

    private static GraphProto Body(NodeProto node, string branch, int level)
    {
        NodeProto inner = node.Clone();
        inner.Output[0] = $"{branch}{level}_{node.Output[0]}";
        return new() { Name = branch, Node = { inner }, Output = { new ValueInfoProto { Name = inner.Output[0] } } };
    }
}
