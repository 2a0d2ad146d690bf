using System.Buffers.Binary;
using Google.Protobuf;
using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Constants: sizes, types, elements, where the bytes lie.</summary>
internal static class TensorChanges
{
    public static ModelChange[] All { get; } = [Size, Regroup, Elements, Elements, Type, Length, Outside, Doubled, Shared];

    private static string? Size(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors().Where(t => t.Dims.Count > 0)) is not { } tensor)
            return null;
        int at = draw.Below(tensor.Dims.Count);
        tensor.Dims[at] = draw.Integer(tensor.Dims[at]);
        return $"'{tensor.Name}' is [{tensor.Dims}]";
    }

    /// <summary>The same elements in another shape: valid by itself.</summary>
    private static string? Regroup(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors()) is not { } tensor)
            return null;
        long[] dims = [.. tensor.Dims];
        tensor.Dims.Clear();
        tensor.Dims.AddRange(draw.Below(4) switch
        {
            0 => dims.Reverse(),
            1 => dims.Prepend(1),
            2 => dims.Append(1),
            _ => [dims.Aggregate(1L, (a, b) => unchecked(a * b))],
        });
        return $"'{tensor.Name}' is [{tensor.Dims}]";
    }

    public static string? Elements(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors().Where(t => t.RawData.Length >= 4)) is not { } tensor)
            return null;
        byte[] bytes = tensor.RawData.ToByteArray();
        bool all = draw.OneIn(3);
        float number = draw.Number();
        long integer = draw.Integer();
        int width = tensor.DataType is 7 or 11 or 13 ? 8 : tensor.DataType is 1 or 6 or 12 ? 4 : 1;
        int chosen = draw.Below(bytes.Length / width);
        for (int i = 0; i + width <= bytes.Length; i += width)
        {
            if (!all && i / width != chosen)
                continue;
            if (tensor.DataType == 1)
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i), number);
            else if (width == 8)
                BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i), integer);
            else if (width == 4)
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i), (int)integer);
            else
                bytes[i] = (byte)integer;
        }
        tensor.RawData = ByteString.CopyFrom(bytes);
        return $"{(all ? "every element" : "an element")} of '{tensor.Name}' is {(tensor.DataType == 1 ? number : integer)}";
    }

    private static string? Type(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors()) is not { } tensor)
            return null;
        tensor.DataType = draw.OneIn(10) ? (int)draw.Integer() : draw.Below(27);
        return $"'{tensor.Name}' is of type {tensor.DataType}";
    }

    private static string? Length(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors().Where(t => t.RawData.Length > 0)) is not { } tensor)
            return null;
        byte[] bytes = tensor.RawData.ToByteArray();
        tensor.RawData = ByteString.CopyFrom(draw.OneIn(2) ? bytes[..draw.Below(bytes.Length)] : [.. bytes, .. new byte[1 + draw.Below(8)]]);
        return $"'{tensor.Name}' has {tensor.RawData.Length} bytes";
    }

    private static string? Outside(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors()) is not { } tensor)
            return null;
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        if (draw.OneIn(2))
            tensor.ClearRawData();
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = draw.OneIn(2) ? draw.Name() : draw.Pick(["weights.data", "model.onnx", ".", "..", "absent"]) });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = draw.Pick(["offset", "length", "checksum", ""]), Value = draw.OneIn(3) ? draw.Name() : $"{draw.Integer()}" });
        return $"'{tensor.Name}' lies outside: {tensor.ExternalData}";
    }

    private static string? Doubled(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors()) is not { } tensor)
            return null;
        tensor.FloatData.AddRange([1f, 2f]);
        tensor.Int64Data.Add(draw.Integer());
        return $"'{tensor.Name}' has its elements in several fields";
    }

    /// <summary>One weight in the place of another.</summary>
    public static string? Shared(ModelProto model, Draw draw)
    {
        if (draw.Any(model.Tensors()) is not { } tensor || draw.Any(model.Tensors()) is not { } other || ReferenceEquals(tensor, other))
            return null;
        string name = tensor.Name;
        tensor.Dims.Clear();
        tensor.ClearRawData();
        tensor.MergeFrom(other.Clone());
        tensor.Name = name;
        return $"'{name}' holds what '{other.Name}' does";
    }
}
