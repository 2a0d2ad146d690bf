using System.Buffers;
using System.Globalization;
using Google.Protobuf;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Protos;
using Tersor.Onnx.Reading;

namespace Tersor.Onnx.Writing;

/// <summary><see cref="Model"/> → ModelProto. Tensor bytes are wrapped, not copied.</summary>
/// <param name="external">Where a large initializer goes, or null when all stay inside. Gets the tensor, gives location, offset and length.</param>
internal sealed class ModelEncoder(Func<Tensor, (string Location, long Offset, long Length)?>? external)
{
    public ModelProto Encode(Model model)
    {
        ModelProto proto = model.Rest?.Clone() ?? new();
        proto.IrVersion = model.IrVersion;
        if (model.ProducerName.Length > 0)
            proto.ProducerName = model.ProducerName;
        if (model.ProducerVersion.Length > 0)
            proto.ProducerVersion = model.ProducerVersion;
        proto.OpsetImport.Add(Opsets(model.OpsetImports));
        foreach ((string key, string value) in model.Metadata)
            proto.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        if (ConstraintTags.Write(model) is { } tags)
            proto.MetadataProps.Add(new StringStringEntryProto { Key = ConstraintTags.Key, Value = tags });
        proto.Graph = Encode(model.Graph);
        foreach (Function function in model.Functions)
            proto.Functions.Add(Encode(function));
        return proto;
    }

    private GraphProto Encode(Graph graph)
    {
        GraphProto proto = graph.Rest?.Clone() ?? new();
        proto.Name = graph.Name;
        foreach (Value input in graph.Inputs)
            proto.Input.Add(Info(input));
        foreach (Value initializer in graph.Initializers)
        {
            if (initializer.SparseInitializer is { } sparse)
                proto.SparseInitializer.Add(Encode(sparse, initializer.TensorRest, initializer.Name));
            else
                proto.Initializer.Add(Encode(initializer.Initializer!, initializer.TensorRest, initializer.Name, external));
        }
        foreach (Node node in Ordered(graph))
        {
            proto.Node.Add(Encode(node));
            foreach (Value? value in node.Outputs)
            {
                if (value is { IsGraphOutput: false } && (value.Rest is not null || (value.Type is not null && !node.Is("Constant"))))
                    proto.ValueInfo.Add(Info(value));
            }
        }
        foreach (Value output in graph.Outputs)
            proto.Output.Add(Info(output));
        return proto;
    }

    private FunctionProto Encode(Function function)
    {
        FunctionProto proto = function.Rest?.Clone() ?? new();
        proto.Name = function.Name;
        if (function.Domain.Length > 0)
            proto.Domain = function.Domain;
        if (function.Overload.Length > 0)
            proto.Overload = function.Overload;
        proto.Attribute.Add(function.RequiredAttributes);
        foreach ((string name, NodeAttribute value) in function.DefaultAttributes)
            proto.AttributeProto.Add(Encode(name, value));
        proto.OpsetImport.Add(Opsets(function.OpsetImports));
        proto.Input.Add(function.Body.Inputs.Select(v => v.Name));
        proto.Output.Add(function.Body.Outputs.Select(v => v.Name));
        foreach (Value initializer in function.Body.Initializers)
            proto.Node.Add(AsConstantNode(initializer));
        foreach (Node node in Ordered(function.Body))
        {
            proto.Node.Add(Encode(node));
            foreach (Value value in node.Outputs.OfType<Value>().Where(v => v.Rest is not null || (v.Type is not null && !node.Is("Constant"))))
                proto.ValueInfo.Add(Info(value));
        }
        return proto;
    }

    /// <summary>The format has no place for a function's initializers: they become Constant nodes.</summary>
    private NodeProto AsConstantNode(Value initializer)
    {
        NodeProto proto = new() { OpType = "Constant" };
        proto.Output.Add(initializer.Name);
        proto.Attribute.Add(initializer.SparseInitializer is { } sparse
            ? Encode("sparse_value", new NodeAttribute.Sparse(sparse))
            : Encode("value", initializer.Initializer!));
        return proto;
    }

    private static IEnumerable<Node> Ordered(Graph graph) => TopologicalOrder.Of(graph) ?? graph.Nodes;

    private NodeProto Encode(Node node)
    {
        NodeProto proto = node.Rest?.Clone() ?? new();
        proto.Input.Add(node.Inputs.Select(v => v?.Name ?? ""));
        proto.Output.Add(node.Outputs.Select(v => v?.Name ?? ""));
        if (node.Name.Length > 0)
            proto.Name = node.Name;
        proto.OpType = node.OpType;
        if (node.Domain.Length > 0)
            proto.Domain = node.Domain;
        if (node.Overload.Length > 0)
            proto.Overload = node.Overload;
        foreach ((string name, NodeAttribute value) in node.Attributes)
            proto.Attribute.Add(Encode(name, value));
        return proto;
    }

    private AttributeProto Encode(string name, NodeAttribute attribute)
    {
        AttributeProto proto = attribute.Rest?.Clone() ?? new();
        TensorProto? tensorRest = proto.T;
        proto.T = null;
        proto.Name = name;
        switch (attribute)
        {
            case NodeAttribute.Float value:
                (proto.Type, proto.F) = (AttributeProto.Types.AttributeType.Float, value.Value);
                break;
            case NodeAttribute.Int value:
                (proto.Type, proto.I) = (AttributeProto.Types.AttributeType.Int, value.Value);
                break;
            case NodeAttribute.String value:
                (proto.Type, proto.S) = (AttributeProto.Types.AttributeType.String, UnsafeByteOperations.UnsafeWrap(value.Bytes));
                break;
            case NodeAttribute.TensorValue value:
                (proto.Type, proto.T) = (AttributeProto.Types.AttributeType.Tensor, Encode(value.Value, tensorRest, tensorRest?.Name ?? "", null));
                break;
            case NodeAttribute.Body value:
                (proto.Type, proto.G) = (AttributeProto.Types.AttributeType.Graph, Encode(value.Value));
                break;
            case NodeAttribute.Sparse value:
                (proto.Type, proto.SparseTensor) = (AttributeProto.Types.AttributeType.SparseTensor, Encode(value.Value, null, ""));
                break;
            case NodeAttribute.TypeValue value:
                (proto.Type, proto.Tp) = (AttributeProto.Types.AttributeType.TypeProto, TypeReader.Write(value.Value));
                break;
            case NodeAttribute.Floats value:
                proto.Type = AttributeProto.Types.AttributeType.Floats;
                proto.Floats.Add(value.Values);
                break;
            case NodeAttribute.Ints value:
                proto.Type = AttributeProto.Types.AttributeType.Ints;
                proto.Ints.Add(value.Values);
                break;
            case NodeAttribute.Strings value:
                proto.Type = AttributeProto.Types.AttributeType.Strings;
                proto.Strings.Add(value.Values.Select(UnsafeByteOperations.UnsafeWrap));
                break;
            case NodeAttribute.Tensors value:
                proto.Type = AttributeProto.Types.AttributeType.Tensors;
                proto.Tensors.Add(value.Values.Select(t => Encode(t, null, "", null)));
                break;
            case NodeAttribute.Sparses value:
                proto.Type = AttributeProto.Types.AttributeType.SparseTensors;
                proto.SparseTensors.Add(value.Values.Select(t => Encode(t, null, "")));
                break;
            case NodeAttribute.Bodies value:
                proto.Type = AttributeProto.Types.AttributeType.Graphs;
                proto.Graphs.Add(value.Values.Select(Encode));
                break;
            case NodeAttribute.Types value:
                proto.Type = AttributeProto.Types.AttributeType.TypeProtos;
                proto.TypeProtos.Add(value.Values.Select(TypeReader.Write));
                break;
            case NodeAttribute.Reference value:
                (proto.Type, proto.RefAttrName) = ((AttributeProto.Types.AttributeType)value.Kind, value.Name);
                break;
        }
        return proto;
    }

    /// <summary>Bytes of all tensors put inside so far: protobuf's own size is an int and would wrap around.</summary>
    public long InlineBytes { get; private set; }

    private TensorProto Encode(Tensor tensor, TensorProto? rest, string name, Func<Tensor, (string Location, long Offset, long Length)?>? place)
    {
        TensorProto proto = EncodeTensor(tensor, rest, name, place);
        InlineBytes += proto.RawData.Length;
        return proto;
    }

    internal static TensorProto EncodeTensor(Tensor tensor, TensorProto? rest, string name, Func<Tensor, (string Location, long Offset, long Length)?>? external)
    {
        TensorProto proto = rest?.Clone() ?? new();
        proto.Dims.Add(tensor.Shape);
        proto.DataType = (int)tensor.Type;
        if (name.Length > 0)
            proto.Name = name;
        if (tensor.Type == ElementType.String)
        {
            proto.StringData.Add(tensor.Strings.Select(UnsafeByteOperations.UnsafeWrap));
        }
        else if (external?.Invoke(tensor) is { } place)
        {
            proto.DataLocation = TensorProto.Types.DataLocation.External;
            Add("location", place.Location);
            Add("offset", place.Offset.ToString(CultureInfo.InvariantCulture));
            Add("length", place.Length.ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            if (tensor.ByteLength > int.MaxValue)
                throw new OnnxException($"'{name}' ({tensor}) takes {tensor.ByteLength} bytes; inside a model file a tensor ends at 2 GB. Write with external data.");
            proto.RawData = UnsafeByteOperations.UnsafeWrap(tensor.AsMemory());
        }
        return proto;

        void Add(string key, string value) => proto.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
    }

    private SparseTensorProto Encode(SparseTensor sparse, TensorProto? rest, string name)
    {
        SparseTensorProto proto = new() { Values = Encode(sparse.Values, rest, name, null), Indices = Encode(sparse.Indices, null, "", null) };
        proto.Dims.Add(sparse.Shape);
        return proto;
    }

    private static ValueInfoProto Info(Value value)
    {
        ValueInfoProto proto = value.Rest?.Clone() ?? new();
        proto.Name = value.Name;
        if (value.Type is { } type)
            proto.Type = TypeReader.Write(type);
        return proto;
    }

    private static IEnumerable<OperatorSetIdProto> Opsets(IEnumerable<KeyValuePair<string, long>> imports) =>
        imports.Select(i => new OperatorSetIdProto { Domain = i.Key, Version = i.Value });
}
