using System.Collections.Immutable;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Reading;

/// <summary>Wire form of a type ↔ <see cref="OnnxType"/>.</summary>
internal static class TypeReader
{
    public static OnnxType? Read(TypeProto? proto, string where)
    {
        OnnxType? type = proto?.ValueCase switch
        {
            TypeProto.ValueOneofCase.TensorType => new OnnxType.Tensor(Element(proto.TensorType.ElemType, where), Shape(proto.TensorType.Shape, where)),
            TypeProto.ValueOneofCase.SparseTensorType => new OnnxType.Sparse(Element(proto.SparseTensorType.ElemType, where), Shape(proto.SparseTensorType.Shape, where)),
            TypeProto.ValueOneofCase.SequenceType => new OnnxType.Sequence(Read(proto.SequenceType.ElemType, where)),
            TypeProto.ValueOneofCase.OptionalType => new OnnxType.Optional(Read(proto.OptionalType.ElemType, where)),
            TypeProto.ValueOneofCase.MapType => new OnnxType.Map(Element(proto.MapType.KeyType, where), Read(proto.MapType.ValueType, where)),
            TypeProto.ValueOneofCase.OpaqueType => new OnnxType.Opaque(proto.OpaqueType.Domain, proto.OpaqueType.Name),
            _ => null,
        };
        return type is not null && proto!.HasDenotation ? type with { Denotation = proto.Denotation } : type;
    }

    public static TypeProto Write(OnnxType type)
    {
        TypeProto proto = new();
        switch (type)
        {
            case OnnxType.Tensor tensor:
                proto.TensorType = new() { ElemType = (int)tensor.ElementType, Shape = Write(tensor.Shape) };
                break;
            case OnnxType.Sparse sparse:
                proto.SparseTensorType = new() { ElemType = (int)sparse.ElementType, Shape = Write(sparse.Shape) };
                break;
            case OnnxType.Sequence sequence:
                proto.SequenceType = new() { ElemType = sequence.Element is null ? null : Write(sequence.Element) };
                break;
            case OnnxType.Optional optional:
                proto.OptionalType = new() { ElemType = optional.Element is null ? null : Write(optional.Element) };
                break;
            case OnnxType.Map map:
                proto.MapType = new() { KeyType = (int)map.Key, ValueType = map.Value is null ? null : Write(map.Value) };
                break;
            case OnnxType.Opaque opaque:
                proto.OpaqueType = new() { Domain = opaque.Domain, Name = opaque.Name };
                break;
        }
        if (type.Denotation is { } denotation)
            proto.Denotation = denotation;
        return proto;
    }

    private static ElementType Element(int number, string where)
    {
        ElementType type = (ElementType)number;
        return type == ElementType.Undefined || type.IsDefined() ? type : throw new OnnxException($"{where} has element type {number}, which ONNX does not define.");
    }

    private static ImmutableArray<Dimension>? Shape(TensorShapeProto? proto, string where)
    {
        if (proto is null)
            return null;
        return [.. proto.Dim.Select(Read)];

        Dimension Read(TensorShapeProto.Types.Dimension dimension)
        {
            string? denotation = dimension.HasDenotation ? dimension.Denotation : null;
            if (dimension.HasDimParam && dimension.DimParam.Length > 0)
                return new(null, dimension.DimParam, denotation);
            if (!dimension.HasDimValue || dimension.DimValue == -1) // some exporters write -1 for "not fixed"
                return new(null, null, denotation);
            return dimension.DimValue >= 0 ? new(dimension.DimValue, null, denotation)
                : throw new OnnxException($"{where} is declared with a dimension of {dimension.DimValue}; expected 0 or more.");
        }
    }

    private static TensorShapeProto? Write(ImmutableArray<Dimension>? shape)
    {
        if (shape is not { } known)
            return null;
        TensorShapeProto proto = new();
        foreach (Dimension dimension in known)
        {
            TensorShapeProto.Types.Dimension target = new();
            if (dimension.Size is { } size)
                target.DimValue = size;
            else if (dimension.Symbol is { } symbol)
                target.DimParam = symbol;
            if (dimension.Denotation is { } denotation)
                target.Denotation = denotation;
            proto.Dim.Add(target);
        }
        return proto;
    }
}
