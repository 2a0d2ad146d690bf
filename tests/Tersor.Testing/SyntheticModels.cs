using System.Collections.Immutable;
using System.Text;
using Google.Protobuf;
using Tersor.Onnx;
using Tersor.Onnx.Protos;

namespace Tersor.Testing;

/// <summary>Small models that together hold everything the format has: types, containers, attributes, functions, bodies, unknown fields. Not all of them run.</summary>
public static class SyntheticModels
{
    /// <summary>All of them.</summary>
    public static IEnumerable<Model> All() => [EveryElementType(), EveryAttribute(), Containers(), Functions(), UnknownFields()];

    /// <summary>An initializer of each element type, with every byte pattern of its kind in turn.</summary>
    public static Model EveryElementType()
    {
        Model model = new(opset: 23, irVersion: 11);
        foreach (ElementType type in Enum.GetValues<ElementType>().Where(t => t.IsDefined()))
        {
            Tensor tensor = type == ElementType.String
                ? Tensor.FromStrings([3], new ReadOnlyMemory<byte>[] { new byte[] { 0xFF, 0 }, "Ünïcode"u8.ToArray(), Array.Empty<byte>() })
                : Tensor.FromBytes(type, [5, 3], Enumerable.Range(0, (int)type.ByteLength(15)).Select(i => (byte)(37 * i + 11)).ToArray());
            Value value = model.Graph.AddInitializer($"w_{type}", tensor);
            model.Graph.AddOutput(model.Graph.AddNode("Identity", [value], [$"y_{type}"]).Outputs[0]!);
        }
        return model;
    }

    /// <summary>One node with an attribute of each kind, and a body.</summary>
    public static Model EveryAttribute()
    {
        Model model = new();
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, "batch", 3));
        Graph first = model.Graph.NewBody("first"), second = model.Graph.NewBody("second");
        first.AddOutput(first.AddNode("Relu", [x], ["inner"]).Outputs[0]!);
        second.AddInput("own", null);
        second.AddOutput(second.AddNode("Mul", [x, second.AddInitializer("factor", Tensor.Vector(1f, 2f, 3f))], ["product"]).Outputs[0]!);
        Tensor tensor = Tensor.Create([2, 2], [1f, float.NaN, -0f, float.NegativeInfinity]);
        SparseTensor sparse = new(Tensor.Vector(1.5, 2.5), Tensor.Create([2, 2], [0L, 1L, 2L, 0L]), [3, 4]);
        Node node = model.Graph.AddNode("Everything", [x, null, x], ["y", "", "z"], domain: "test.domain", attributes: new Dictionary<string, NodeAttribute>
        {
            ["float"] = 1.5f,
            ["int"] = -7L,
            ["string"] = "text",
            ["bytes"] = new NodeAttribute.String(new byte[] { 0, 255 }),
            ["tensor"] = tensor,
            ["sparse"] = new NodeAttribute.Sparse(sparse),
            ["body"] = first,
            ["type"] = new NodeAttribute.TypeValue(new OnnxType.Optional(OnnxType.Of(ElementType.Int64, 2))),
            ["floats"] = new[] { 1f, float.NaN },
            ["ints"] = new[] { 1L, long.MinValue },
            ["strings"] = new NodeAttribute.Strings([Encoding.UTF8.GetBytes("a"), ReadOnlyMemory<byte>.Empty]),
            ["tensors"] = new NodeAttribute.Tensors([tensor, Tensor.Scalar(true)]),
            ["sparses"] = new NodeAttribute.Sparses([sparse]),
            ["bodies"] = new NodeAttribute.Bodies([second]),
            ["types"] = new NodeAttribute.Types([OnnxType.Of(ElementType.Bool), new OnnxType.Opaque("d", "n")]),
            ["no ints"] = Array.Empty<long>(),
        });
        model.OpsetImports["test.domain"] = 3;
        model.Graph.AddOutput(node.Outputs[0]!);
        return model;
    }

    /// <summary>Inputs of every container type.</summary>
    public static Model Containers()
    {
        Model model = new();
        OnnxType.Tensor tensor = new(ElementType.Float32, ImmutableArray.Create<Dimension>(new(2, null, "DATA_BATCH"), "width", default)) { Denotation = "IMAGE" };
        foreach (OnnxType type in new OnnxType[]
        {
            tensor, new OnnxType.Tensor(ElementType.Int8, null), new OnnxType.Sparse(ElementType.Float32, tensor.Shape), new OnnxType.Sequence(tensor),
            new OnnxType.Sequence(new OnnxType.Sequence(tensor)), new OnnxType.Optional(new OnnxType.Sequence(tensor)), new OnnxType.Map(ElementType.String, tensor),
            new OnnxType.Sequence(new OnnxType.Map(ElementType.Int64, OnnxType.Of(ElementType.Float32))), new OnnxType.Opaque("domain", "name"), new OnnxType.Sequence(null),
        })
        {
            Value input = model.Graph.AddInput("in", type);
            Value output = model.Graph.AddNode("Identity", [input], ["out"]).Outputs[0]!;
            output.Type = type;
            model.Graph.AddOutput(output);
        }
        return model;
    }

    /// <summary>Functions that call each other, with required and default attributes, in an If.</summary>
    public static Model Functions()
    {
        Model model = new(irVersion: 10);
        model.OpsetImports["f"] = 1;
        Function inner = new(model, "f", "Inner", "v2"), outer = new(model, "f", "Outer", "");
        foreach (Function function in new[] { inner, outer })
        {
            function.OpsetImports[""] = 21;
            function.OpsetImports["f"] = 1;
            function.Body.AddInput("a", null);
            model.Functions.Add(function);
        }
        inner.RequiredAttributes.Add("slope");
        inner.DefaultAttributes["axis"] = 2L;
        inner.Body.AddOutput(inner.Body.AddNode("LeakyRelu", [inner.Body.Inputs[0]], ["b"], [new("alpha", new NodeAttribute.Reference("slope", 1))]).Outputs[0]!);
        Node call = outer.Body.AddNode("Inner", [outer.Body.Inputs[0]], ["b"], [new("slope", 0.5f)], domain: "f");
        call.Overload = "v2";
        outer.Body.AddOutput(call.Outputs[0]!);
        Value c = model.Graph.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 3));
        Graph then = model.Graph.NewBody("then"), otherwise = model.Graph.NewBody("else");
        then.AddOutput(then.AddNode("Outer", [x], ["t"], domain: "f").Outputs[0]!);
        otherwise.AddOutput(otherwise.AddNode("Identity", [x], ["e"]).Outputs[0]!);
        Value y = model.Graph.AddNode("If", [c], ["y"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        y.Type = x.Type;
        model.Graph.AddOutput(y);
        return model;
    }

    /// <summary>A field no version of the format has in every message that keeps one, comments and metadata everywhere.</summary>
    public static Model UnknownFields() => Model.Load(new MemoryStream(UnknownFieldsFile()));

    /// <summary>The bytes of <see cref="UnknownFields"/>, as another tool would have written them.</summary>
    public static byte[] UnknownFieldsFile()
    {
        ModelProto proto = HostileFiles.Valid();
        proto.Domain = "org.example";
        proto.ModelVersion = 42;
        proto.DocString = "model comment";
        proto.MetadataProps.Add(new StringStringEntryProto { Key = "author", Value = "somebody" });
        GraphProto graph = proto.Graph;
        graph.DocString = "graph comment";
        graph.MetadataProps.Add(new StringStringEntryProto { Key = "g", Value = "1" });
        graph.QuantizationAnnotation.Add(new TensorAnnotation { TensorName = "y", QuantParameterTensorNames = { new StringStringEntryProto { Key = "SCALE_TENSOR", Value = "s" } } });
        NodeProto node = graph.Node[0];
        node.DocString = "node comment";
        node.MetadataProps.Add(new StringStringEntryProto { Key = "n", Value = "1" });
        node.Attribute.Add(new AttributeProto { Name = "a", Type = AttributeProto.Types.AttributeType.Int, I = 5, DocString = "attribute comment" });
        node.Attribute.Add(new AttributeProto { Name = "t", Type = AttributeProto.Types.AttributeType.Tensor, T = new() { Name = "named", DocString = "tensor comment", DataType = 1, Dims = { 1 }, FloatData = { 1f } } });
        graph.Initializer[0].DocString = "weight comment";
        graph.Input[0].DocString = "input comment";
        graph.Output[0].MetadataProps.Add(new StringStringEntryProto { Key = "o", Value = "1" });
        FunctionProto function = new() { Name = "F", Domain = "f", DocString = "function comment", Input = { "a" }, Output = { "b" }, OpsetImport = { new OperatorSetIdProto { Domain = "", Version = 17 } }, Node = { new NodeProto { OpType = "Abs", Input = { "a" }, Output = { "b" } } } };
        proto.Functions.Add(function);
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "f", Version = 1 });

        graph.Node[0] = Extended(node, NodeProto.Parser);
        node = graph.Node[0];
        node.Attribute[0] = Extended(node.Attribute[0], AttributeProto.Parser);
        graph.Initializer[0] = Extended(graph.Initializer[0], TensorProto.Parser);
        graph.Input[0] = Extended(graph.Input[0], ValueInfoProto.Parser);
        graph.Output[0] = Extended(graph.Output[0], ValueInfoProto.Parser);
        proto.Functions[0] = Extended(function, FunctionProto.Parser);
        proto.Graph = Extended(graph, GraphProto.Parser);
        return Extended(proto, ModelProto.Parser).ToByteArray();

        // Field 999, a string: "from the future".
        static T Extended<T>(T message, MessageParser<T> parser) where T : IMessage<T> => parser.ParseFrom([.. message.ToByteArray(), 0xBA, 0x3E, 15, .. "from the future"u8]);
    }
}
