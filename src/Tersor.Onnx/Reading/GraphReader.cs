using Tersor.Onnx.Editing;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Reading;

/// <summary>GraphProto and FunctionProto → <see cref="Graph"/>: names become values, and every rule about names is checked.</summary>
internal sealed class GraphReader(TensorReader tensors)
{
    private readonly HashSet<(string Domain, string Name, string Overload)> functions = [];

    private sealed class Scope(Scope? outer)
    {
        public Dictionary<string, Value> Values { get; } = new(StringComparer.Ordinal);

        public Value? Find(string name) => Values.TryGetValue(name, out Value? value) ? value : outer?.Find(name);
    }

    public void ReadMain(GraphProto proto, Graph graph) => Read(proto, graph, outer: null);

    private void Read(GraphProto proto, Graph graph, Scope? outer)
    {
        Scope scope = new(outer);
        foreach (ValueInfoProto info in proto.Input)
            graph.AttachInput(Declare(graph, scope, info.Name, "graph input", info));
        foreach (TensorProto tensor in proto.Initializer)
        {
            Value value = Initializer(graph, scope, tensor.Name);
            graph.AttachInitializer(value, tensors.Read(tensor, $"Initializer '{tensor.Name}'"));
            value.TensorRest = Rest(tensor);
        }
        foreach (SparseTensorProto sparse in proto.SparseInitializer)
        {
            string name = sparse.Values?.Name ?? "";
            Value value = Initializer(graph, scope, name);
            graph.AttachInitializer(value, tensors.Read(sparse, $"Sparse initializer '{name}'"));
            value.TensorRest = sparse.Values is { } values ? Rest(values) : null;
        }
        ReadNodes(proto.Node, graph, scope);
        foreach (ValueInfoProto info in proto.ValueInfo)
        {
            if (scope.Values.TryGetValue(info.Name, out Value? value) && value.Producer is not null)
                Describe(value, info);
        }
        foreach (ValueInfoProto info in proto.Output)
        {
            Value value = scope.Find(info.Name) ?? throw new OnnxException($"Output '{info.Name}' of graph '{graph.Name}' is made by no node, input or initializer.");
            if (!value.IsGraphInput && ReferenceEquals(value.Graph, graph)) // what another place declares is declared there
                Describe(value, info);
            graph.AddOutput(value);
        }
        Order(graph);
        graph.Rest = Rest(proto);
    }

    public Function ReadFunction(FunctionProto proto, Model model)
    {
        Function function = new(model, proto.Domain, proto.Name, proto.Overload);
        if (!functions.Add((Model.NormalizeDomain(proto.Domain), proto.Name, proto.Overload)))
            throw new OnnxException($"Function '{proto.Domain}.{proto.Name}' is defined twice.");
        if (proto.Name.Length == 0)
            throw new OnnxException("A function has no name.");
        ModelReader.ReadOpsets(proto.OpsetImport, function.OpsetImports, $"Function '{proto.Name}'");
        foreach (string name in proto.Attribute)
            function.RequiredAttributes.Add(name);
        Scope scope = new(null);
        foreach (AttributeProto attribute in proto.AttributeProto)
        {
            if (!function.DefaultAttributes.TryAdd(attribute.Name, ReadAttribute(attribute, function.Body, scope, $"Function '{proto.Name}'")))
                throw new OnnxException($"Function '{proto.Name}' has attribute '{attribute.Name}' twice.");
        }
        foreach (string input in proto.Input)
            function.Body.AttachInput(Declare(function.Body, scope, input, "function input", null));
        ReadNodes(proto.Node, function.Body, scope);
        foreach (ValueInfoProto info in proto.ValueInfo)
        {
            if (scope.Values.TryGetValue(info.Name, out Value? value))
                Describe(value, info);
        }
        foreach (string output in proto.Output)
            function.Body.AddOutput(scope.Find(output) ?? throw new OnnxException($"Output '{output}' of function '{proto.Name}' is made by no node."));
        Order(function.Body);

        proto.ClearName();
        proto.ClearDomain();
        proto.ClearOverload();
        proto.Input.Clear();
        proto.Output.Clear();
        proto.Attribute.Clear();
        proto.AttributeProto.Clear();
        proto.Node.Clear();
        proto.OpsetImport.Clear();
        proto.ValueInfo.Clear();
        function.Rest = proto.OrNullIfEmpty();
        return function;
    }

    private void ReadNodes(IList<NodeProto> protos, Graph graph, Scope scope)
    {
        // Outputs first, so that a reader may stand before its producer; the order is put right afterwards.
        List<Node> nodes = new(protos.Count);
        foreach (NodeProto proto in protos)
        {
            if (proto.OpType.Length == 0)
                throw new OnnxException($"Node '{proto.Name}' of graph '{graph.Name}' names no operator.");
            Node node = new(graph, proto.OpType, proto.Domain, proto.Name) { Overload = proto.Overload };
            graph.Model.ReserveName(proto.Name);
            foreach (string output in proto.Output)
                node.AttachOutput(output.Length == 0 ? null : Declare(graph, scope, output, $"output of {proto.OpType} '{proto.Name}'", null));
            graph.Link(node, null);
            nodes.Add(node);
        }
        for (int i = 0; i < nodes.Count; i++)
        {
            NodeProto proto = protos[i];
            Node node = nodes[i];
            foreach (string input in proto.Input)
            {
                node.AddInput(input.Length == 0 ? null : scope.Find(input)
                    ?? throw new OnnxException($"{node} reads '{input}', which no node, input or initializer in its scope makes."));
            }
            foreach (AttributeProto attribute in proto.Attribute)
            {
                if (node.Attributes.ContainsKey(attribute.Name))
                    throw new OnnxException($"{node} has attribute '{attribute.Name}' twice.");
                node.SetAttribute(attribute.Name, ReadAttribute(attribute, graph, scope, node.ToString()));
            }
            node.Rest = Rest(proto);
        }
    }

    private NodeAttribute ReadAttribute(AttributeProto proto, Graph graph, Scope scope, string node)
    {
        string where = $"Attribute '{proto.Name}' of {node}";
        NodeAttribute attribute = Kind(proto) switch
        {
            _ when proto.HasRefAttrName && proto.RefAttrName.Length > 0 => new NodeAttribute.Reference(proto.RefAttrName, (int)proto.Type),
            AttributeProto.Types.AttributeType.Float => new NodeAttribute.Float(proto.F),
            AttributeProto.Types.AttributeType.Int => new NodeAttribute.Int(proto.I),
            AttributeProto.Types.AttributeType.String => new NodeAttribute.String(proto.S.Memory),
            AttributeProto.Types.AttributeType.Tensor => new NodeAttribute.TensorValue(tensors.Read(proto.T ?? throw Empty(), where)),
            AttributeProto.Types.AttributeType.Graph => new NodeAttribute.Body(Body(proto.G ?? throw Empty())),
            AttributeProto.Types.AttributeType.SparseTensor => new NodeAttribute.Sparse(tensors.Read(proto.SparseTensor ?? throw Empty(), where)),
            AttributeProto.Types.AttributeType.TypeProto => new NodeAttribute.TypeValue(TypeReader.Read(proto.Tp, where) ?? throw Empty()),
            AttributeProto.Types.AttributeType.Floats => new NodeAttribute.Floats([.. proto.Floats]),
            AttributeProto.Types.AttributeType.Ints => new NodeAttribute.Ints([.. proto.Ints]),
            AttributeProto.Types.AttributeType.Strings => new NodeAttribute.Strings([.. proto.Strings.Select(s => s.Memory)]),
            AttributeProto.Types.AttributeType.Tensors => new NodeAttribute.Tensors([.. proto.Tensors.Select(t => tensors.Read(t, where))]),
            AttributeProto.Types.AttributeType.Graphs => new NodeAttribute.Bodies([.. proto.Graphs.Select(Body)]),
            AttributeProto.Types.AttributeType.SparseTensors => new NodeAttribute.Sparses([.. proto.SparseTensors.Select(t => tensors.Read(t, where))]),
            AttributeProto.Types.AttributeType.TypeProtos => new NodeAttribute.Types([.. proto.TypeProtos.Select(t => TypeReader.Read(t, where) ?? throw Empty())]),
            _ => throw Empty(),
        };
        AttributeProto? rest = Rest(proto);
        return rest is null ? attribute : attribute with { Rest = rest };

        OnnxException Empty() => new($"{where} has no value of its kind.");

        Graph Body(GraphProto body)
        {
            Graph result = graph.NewBody(body.Name);
            Read(body, result, scope);
            return result;
        }
    }

    /// <summary>The attribute's kind; files older than IR version 2 do not state it.</summary>
    private static AttributeProto.Types.AttributeType Kind(AttributeProto proto) => proto.HasType && proto.Type != AttributeProto.Types.AttributeType.Undefined ? proto.Type
        : proto.HasF ? AttributeProto.Types.AttributeType.Float
        : proto.HasI ? AttributeProto.Types.AttributeType.Int
        : proto.HasS ? AttributeProto.Types.AttributeType.String
        : proto.T is not null ? AttributeProto.Types.AttributeType.Tensor
        : proto.G is not null ? AttributeProto.Types.AttributeType.Graph
        : proto.Floats.Count > 0 ? AttributeProto.Types.AttributeType.Floats
        : proto.Ints.Count > 0 ? AttributeProto.Types.AttributeType.Ints
        : proto.Strings.Count > 0 ? AttributeProto.Types.AttributeType.Strings
        : proto.Tensors.Count > 0 ? AttributeProto.Types.AttributeType.Tensors
        : proto.Graphs.Count > 0 ? AttributeProto.Types.AttributeType.Graphs
        : AttributeProto.Types.AttributeType.Undefined;

    private static Value Declare(Graph graph, Scope scope, string name, string what, ValueInfoProto? info)
    {
        if (name.Length == 0)
            throw new OnnxException($"Graph '{graph.Name}' has an {what.Replace("graph ", "", StringComparison.Ordinal)} without a name.");
        Value value = new(graph, name);
        graph.Model.ReserveName(name);
        if (!scope.Values.TryAdd(name, value))
            throw new OnnxException($"'{name}' is defined twice in graph '{graph.Name}': once more as {what}.");
        if (info is not null)
            Describe(value, info);
        return value;
    }

    private static Value Initializer(Graph graph, Scope scope, string name)
    {
        if (!scope.Values.TryGetValue(name, out Value? value))
            return Declare(graph, scope, name, "initializer", null);
        return value.IsInitializer ? throw new OnnxException($"'{name}' is defined twice in graph '{graph.Name}': once more as initializer.") : value;
    }

    private static void Describe(Value value, ValueInfoProto info)
    {
        value.Type = TypeReader.Read(info.Type, $"'{info.Name}'") ?? value.Type;
        info.ClearName();
        info.Type = null;
        value.Rest = info.OrNullIfEmpty();
    }

    private static void Order(Graph graph)
    {
        if (TopologicalOrder.Of(graph) is { } order)
            graph.Reorder(order);
    }

    private static TensorProto? Rest(TensorProto proto)
    {
        proto.Dims.Clear();
        proto.ClearDataType();
        proto.ClearName();
        ClearData(proto);
        return proto.OrNullIfEmpty();
    }

    private static void ClearData(TensorProto proto)
    {
        proto.ClearRawData();
        proto.ClearDataLocation();
        proto.FloatData.Clear();
        proto.Int32Data.Clear();
        proto.StringData.Clear();
        proto.Int64Data.Clear();
        proto.DoubleData.Clear();
        proto.Uint64Data.Clear();
        proto.ExternalData.Clear();
    }

    private static NodeProto? Rest(NodeProto proto)
    {
        proto.Input.Clear();
        proto.Output.Clear();
        proto.Attribute.Clear();
        proto.ClearName();
        proto.ClearOpType();
        proto.ClearDomain();
        proto.ClearOverload();
        return proto.OrNullIfEmpty();
    }

    private static AttributeProto? Rest(AttributeProto proto)
    {
        proto.ClearName();
        proto.ClearType();
        proto.ClearRefAttrName();
        proto.ClearF();
        proto.ClearI();
        proto.ClearS();
        proto.G = null;
        proto.Tp = null;
        proto.SparseTensor = null;
        proto.Floats.Clear();
        proto.Ints.Clear();
        proto.Strings.Clear();
        proto.Tensors.Clear();
        proto.Graphs.Clear();
        proto.SparseTensors.Clear();
        proto.TypeProtos.Clear();
        if (proto.T is { } tensor) // a constant's tensor may have a name and comments of its own
        {
            tensor.Dims.Clear();
            tensor.ClearDataType();
            ClearData(tensor);
            if (tensor.CalculateSize() == 0)
                proto.T = null;
        }
        return proto.OrNullIfEmpty();
    }

    private static GraphProto? Rest(GraphProto proto)
    {
        proto.Node.Clear();
        proto.Initializer.Clear();
        proto.Input.Clear();
        proto.Output.Clear();
        proto.ValueInfo.Clear();
        proto.SparseInitializer.Clear();
        proto.ClearName();
        return proto.OrNullIfEmpty();
    }
}
