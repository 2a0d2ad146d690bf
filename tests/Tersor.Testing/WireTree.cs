using Tersor.Onnx.Reading;

namespace Tersor.Testing;

/// <summary>A model file as a tree of fields, to be changed and put together again with lengths that fit: damage that reaches past the parser.</summary>
internal sealed class WireTree
{
    private WireTree(WireKind kind, int number, int wireType) => (Kind, Number, WireType) = (kind, number, wireType);

    public WireKind Kind { get; }

    public int Number { get; }

    public int WireType { get; }

    /// <summary>The fields of a message.</summary>
    public List<WireTree> Fields { get; } = [];

    /// <summary>The bytes of anything else, without tag and length.</summary>
    public byte[] Content { get; set; } = [];

    public bool IsMessage => Kind >= WireKind.Model;

    public static WireTree Parse(byte[] file)
    {
        WireTree root = new(WireKind.Model, 0, 2);
        Fill(root, file);
        return root;
    }

    public byte[] ToBytes()
    {
        MemoryStream stream = new();
        foreach (WireTree field in Fields)
            field.Write(stream);
        return stream.ToArray();
    }

    /// <summary>This and everything below.</summary>
    public IEnumerable<WireTree> All() => Fields.SelectMany(f => f.All()).Prepend(this);

    private void Write(MemoryStream stream)
    {
        WriteVarint(stream, (ulong)(Number << 3 | WireType));
        byte[] content = IsMessage ? ToBytes() : Content;
        if (WireType == 2)
            WriteVarint(stream, (ulong)content.Length);
        stream.Write(content);
    }

    private static void Fill(WireTree parent, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int tag = (int)ReadVarint(ref bytes);
            int wireType = tag & 7, number = tag >> 3;
            WireTree field = new(wireType == 2 ? WireKinds.Field(parent.Kind, number) : WireKind.Number, number, wireType);
            int length = wireType switch
            {
                1 => 8,
                5 => 4,
                2 => (int)ReadVarint(ref bytes),
                _ => VarintLength(bytes),
            };
            if (field.IsMessage)
                Fill(field, bytes[..length]);
            else
                field.Content = bytes[..length].ToArray();
            parent.Fields.Add(field);
            bytes = bytes[length..];
        }
    }

    private static int VarintLength(ReadOnlySpan<byte> bytes)
    {
        int length = 1;
        while (bytes[length - 1] >= 0x80)
            length++;
        return length;
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> bytes)
    {
        int length = VarintLength(bytes);
        ulong value = 0;
        for (int i = 0; i < length; i++)
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
        bytes = bytes[length..];
        return value;
    }

    public static void WriteVarint(MemoryStream stream, ulong value)
    {
        for (; value > 0x7F; value >>= 7)
            stream.WriteByte((byte)(value | 0x80));
        stream.WriteByte((byte)value);
    }
}
