using Tersor.Onnx.Protos;
using Dimension = Tersor.Onnx.Protos.TensorShapeProto.Types.Dimension;

namespace Tersor.Testing.FrontDoor;

/// <summary>Declared types and shapes of inputs, outputs and values between.</summary>
internal static class TypeChanges
{
    public static ModelChange[] All { get; } = [Size, Size, Symbol, Rank, NoShape, ElementType, Container, NoType];

    private static string? Size(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Shapes().SelectMany(s => s.Dim)) is not { } dimension)
            return null;
        long before = dimension.DimValue;
        dimension.DimValue = draw.Integer(before);
        return $"dimension {before} is {dimension.DimValue}";
    }

    public static string? Symbol(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Shapes().SelectMany(s => s.Dim)) is not { } dimension)
            return null;
        string? known = draw.Any(model.Shapes().SelectMany(s => s.Dim).Select(d => d.DimParam).Where(p => p.Length > 0));
        if (draw.OneIn(4))
            dimension.ClearValue();
        else
            dimension.DimParam = known is not null && draw.OneIn(2) ? known : draw.OneIn(2) ? "open" : draw.Name();
        return $"dimension is '{dimension.DimParam}'";
    }

    private static string? Rank(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Shapes()) is not { } shape)
            return null;
        if (shape.Dim.Count > 0 && draw.OneIn(2))
            shape.Dim.RemoveAt(draw.Below(shape.Dim.Count));
        else
            shape.Dim.Insert(draw.Below(shape.Dim.Count + 1), new Dimension { DimValue = draw.Pick<long>([1, 2, 3]) });
        return $"rank is {shape.Dim.Count}";
    }

    public static string? NoShape(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Values().Where(v => v.Type?.TensorType is not null)) is not { } value)
            return null;
        value.Type.TensorType.Shape = draw.OneIn(2) ? null : new();
        return $"'{value.Name}' has {(value.Type.TensorType.Shape is null ? "no shape" : "no dimensions")}";
    }

    private static string? ElementType(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Values().Where(v => v.Type?.TensorType is not null)) is not { } value)
            return null;
        value.Type.TensorType.ElemType = draw.OneIn(10) ? (int)draw.Integer() : draw.Below(27);
        return $"'{value.Name}' is of element type {value.Type.TensorType.ElemType}";
    }

    private static string? Container(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Values().Where(v => v.Type is not null)) is not { } value)
            return null;
        TypeProto inner = value.Type;
        value.Type = draw.Below(4) switch
        {
            0 => new() { SequenceType = new() { ElemType = inner } },
            1 => new() { OptionalType = new() { ElemType = inner } },
            2 => new() { MapType = new() { KeyType = 7, ValueType = inner } },
            _ => new() { SparseTensorType = new() { ElemType = 1, Shape = inner.TensorType?.Shape } },
        };
        return $"'{value.Name}' is a {value.Type.ValueCase}";
    }

    public static string? NoType(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Values()) is not { } value)
            return null;
        value.Type = draw.OneIn(3) ? new() : null;
        return $"'{value.Name}' has no type";
    }
}
