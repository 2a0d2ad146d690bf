using Google.Protobuf;
using Tersor.Onnx.Protos;
using Kind = Tersor.Onnx.Protos.AttributeProto.Types.AttributeType;

namespace Tersor.Testing.FrontDoor;

/// <summary>Attributes: removed, doubled, of another kind or value.</summary>
internal static class AttributeChanges
{
    private static readonly string[] Known =
    [
        "axis", "axes", "keepdims", "perm", "pads", "strides", "group", "dilations", "kernel_shape", "to", "epsilon", "momentum", "alpha", "beta", "transA", "transB", "direction", "hidden_size", "body", "auto_pad", "ceil_mode",
        "mode", "value", "then_branch", "num_scan_inputs", "training_mode", "split", "num_outputs", "block_size", "k", "blocksize", "shape", "allowzero", "layout", "activations",
    ];

    public static ModelChange[] All { get; } = [Value, Value, Value, Kinds, Remove, Double, Rename, Add, Bodies, Reference];

    private static string? Value(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Attributes()) is not { } attribute)
            return null;
        switch (attribute.Type)
        {
            case Kind.Int:
                attribute.I = draw.Integer(attribute.I);
                break;
            case Kind.Float:
                attribute.F = draw.Number();
                break;
            case Kind.String:
                attribute.S = draw.OneIn(3) ? ByteString.CopyFrom(0xFF, 0xFE, 0) : ByteString.CopyFromUtf8(draw.OneIn(2) ? draw.Name() : draw.Pick(["bidirectional", "reverse", "SAME_UPPER", "VALID", "linear", "constant", "cubic"]));
                break;
            case Kind.Ints when attribute.Ints.Count > 0 && !draw.OneIn(3):
                int at = draw.Below(attribute.Ints.Count);
                attribute.Ints[at] = draw.Integer(attribute.Ints[at]);
                break;
            case Kind.Ints when attribute.Ints.Count > 0 && draw.OneIn(2):
                attribute.Ints.RemoveAt(draw.Below(attribute.Ints.Count));
                break;
            case Kind.Ints:
                attribute.Ints.Add(draw.Integer());
                break;
            case Kind.Floats:
                attribute.Floats.Add(draw.Number());
                break;
            default:
                return null;
        }
        return $"attribute {attribute.Name} is {Short(attribute)}";
    }

    private static string? Kinds(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Attributes()) is not { } attribute)
            return null;
        if (draw.OneIn(3))
        {
            attribute.Type = (Kind)(draw.OneIn(5) ? 99 : draw.Below(15));
        }
        else
        {
            string name = attribute.Name;
            AttributeProto other = Make(name, draw);
            attribute.ClearI();
            attribute.ClearF();
            attribute.ClearS();
            attribute.T = null;
            attribute.Ints.Clear();
            attribute.MergeFrom(other);
        }
        return $"attribute {attribute.Name} is of kind {attribute.Type}";
    }

    private static string? Remove(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Attribute.Count > 0)) is not { } node)
            return null;
        int at = draw.Below(node.Attribute.Count);
        string name = node.Attribute[at].Name;
        node.Attribute.RemoveAt(at);
        return $"{node.OpType} has no attribute {name}";
    }

    private static string? Double(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes().Where(n => n.Attribute.Count > 0)) is not { } node)
            return null;
        node.Attribute.Add(draw.Pick(node.Attribute).Clone());
        return $"{node.OpType} has attribute {node.Attribute[^1].Name} twice";
    }

    private static string? Rename(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Attributes()) is not { } attribute)
            return null;
        string before = attribute.Name;
        attribute.Name = draw.OneIn(2) ? draw.Pick(Known) : draw.Name();
        return $"attribute {before} is called '{attribute.Name}'";
    }

    private static string? Add(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Nodes()) is not { } node)
            return null;
        node.Attribute.Add(Make(draw.Pick(Known), draw));
        return $"{node.OpType} has attribute {node.Attribute[^1].Name} = {Short(node.Attribute[^1])}";
    }

    private static string? Bodies(ModelProto model, Draw draw)
    {
        AttributeProto[] bodies = [.. model.Attributes().Where(a => a.G is not null)];
        if (bodies.Length == 0)
            return null;
        AttributeProto attribute = draw.Pick(bodies), other = draw.Pick(bodies);
        attribute.G = draw.OneIn(4) ? new() : draw.OneIn(4) ? null : draw.OneIn(3) ? model.Graph.Clone() : other.G?.Clone();
        return $"body {attribute.Name} is another";
    }

    private static string? Reference(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Attributes()) is not { } attribute)
            return null;
        attribute.RefAttrName = draw.OneIn(2) ? "alpha" : draw.Name();
        return $"attribute {attribute.Name} refers to '{attribute.RefAttrName}'";
    }

    private static AttributeProto Make(string name, Draw draw) => draw.Below(7) switch
    {
        0 => new() { Name = name, Type = Kind.Int, I = draw.Integer() },
        1 => new() { Name = name, Type = Kind.Float, F = draw.Number() },
        2 => new() { Name = name, Type = Kind.String, S = ByteString.CopyFromUtf8(draw.Name()) },
        3 => new() { Name = name, Type = Kind.Ints, Ints = { Enumerable.Range(0, draw.Below(5)).Select(_ => draw.Integer()) } },
        4 => new() { Name = name, Type = Kind.Floats, Floats = { draw.Number() } },
        5 => new() { Name = name, Type = Kind.Tensor, T = new() { DataType = 1, Dims = { 1 }, FloatData = { draw.Number() } } },
        _ => new() { Name = name, Type = Kind.Ints, Ints = { Enumerable.Range(0, draw.Below(5)).Select(i => (long)i) } },
    };

    private static string Short(AttributeProto attribute) => $"{attribute}" is { Length: > 120 } text ? text[..120] : $"{attribute}";
}
