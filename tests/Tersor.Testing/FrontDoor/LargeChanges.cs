using Google.Protobuf.Collections;
using Tersor.Onnx.Protos;
using Kind = Tersor.Onnx.Protos.AttributeProto.Types.AttributeType;

namespace Tersor.Testing.FrontDoor;

/// <summary>A few bytes that ask for more than a machine has: values made from constants, and rounds of a loop.</summary>
internal static class LargeChanges
{
    private static readonly long[] Sizes = [1 << 20, 1 << 28, 1L << 33, 1L << 40, 1L << 62, long.MaxValue];

    public static ModelChange[] All { get; } = [Made, Made, Trips];

    private static string? Made(ModelProto model, Draw draw)
    {
        long size = draw.Pick(Sizes);
        string name = $"large{model.Graph.Node.Count}", sizes = Integers(model, [size]), one = Integers(model, [1]);
        NodeProto node = draw.Below(6) switch
        {
            0 => new() { OpType = "ConstantOfShape", Input = { draw.OneIn(2) ? sizes : Integers(model, [size, size]) } },
            1 => new() { OpType = "Range", Input = { Integers(model, [], 0), Integers(model, [], size), Integers(model, [], 1) } },
            2 => new() { OpType = "Tile", Input = { one, sizes } },
            3 => new() { OpType = "Expand", Input = { one, sizes } },
            4 => new() { OpType = "Pad", Input = { one, Integers(model, [0, size]) } },
            _ => new() { OpType = "RandomNormal", Attribute = { new AttributeProto { Name = "shape", Type = Kind.Ints, Ints = { size } } } },
        };
        node.Output.Add(name);
        model.Graph.Node.Insert(draw.Below(model.Graph.Node.Count + 1), node);
        if (draw.OneIn(2) && draw.Any(model.Graph.Node.Where(n => n != node && n.Input.Count > 0)) is { } reader)
            reader.Input[draw.Below(reader.Input.Count)] = name;
        else
            model.Graph.Output.Add(new ValueInfoProto { Name = name });
        return $"{node.OpType} makes {size} elements";
    }

    private static string? Trips(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.OpType == "Loop" && n.Input.Count > 0)) is not { } loop)
            return null;
        long trips = draw.Pick(Sizes);
        loop.Input[0] = Integers(model, [], trips);
        return $"Loop goes {trips} rounds";
    }

    private static string Integers(ModelProto model, RepeatedField<long> values) => Add(model, [values.Count], values);

    /// <summary>A scalar.</summary>
    private static string Integers(ModelProto model, RepeatedField<long> shape, long value) => Add(model, shape, [value]);

    private static string Add(ModelProto model, RepeatedField<long> shape, RepeatedField<long> values)
    {
        string name = $"size{model.Graph.Initializer.Count}";
        model.Graph.Initializer.Add(new TensorProto { Name = name, DataType = 7, Dims = { shape }, Int64Data = { values } });
        return name;
    }
}
