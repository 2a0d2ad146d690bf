namespace Tersor.Onnx.Reading;

/// <summary>Walks the wire form of a model before anything of it is allocated: lengths, nesting, and the memory its objects would take.</summary>
/// <remarks>Two bytes make an empty message that takes hundreds in memory, so a small file could ask for gigabytes.
/// Wire format: protobuf.dev/programming-guides/encoding. Tensor data is skipped, not read.</remarks>
internal sealed class WireScan
{
    private const int MaxDepth = 100; // what the parser allows
    private const long FreeCost = 128L << 20;
    private const int CostPerByte = 16; // real graphs stay well below

    private readonly Stream stream;
    private readonly byte[] buffer = new byte[1 << 16];
    private readonly long length;
    private readonly long allowed;
    private long bufferStart; // where in the file the buffer begins
    private int filled;
    private int next;
    private long cost;

    private WireScan(Stream stream)
    {
        this.stream = stream;
        bufferStart = stream.Position;
        length = stream.Length;
        allowed = FreeCost + (length * CostPerByte);
    }

    private long Position => bufferStart + next;

    /// <summary>Checks from the stream's position to its end, and goes back.</summary>
    /// <exception cref="OnnxException">The content is no protobuf message, is truncated, nested too deep, or made of too many objects.</exception>
    public static void Check(Stream stream)
    {
        long start = stream.Position;
        WireScan scan = new(stream);
        scan.Message(WireKind.Model, scan.length, depth: 1);
        stream.Position = start;
    }

    private void Message(WireKind kind, long end, int depth)
    {
        if (depth > MaxDepth)
            throw new OnnxException($"is nested deeper than {MaxDepth} messages at byte {Position}");
        while (Position < end)
        {
            ulong tag = Varint(end);
            if (tag >> 3 is 0 or > 0x1FFFFFFF)
                throw Broken($"has a field number of {tag >> 3}");
            WireKind field = WireKinds.Field(kind, (int)(tag >> 3));
            switch (tag & 7)
            {
                case 0:
                    Varint(end);
                    Pay(field == WireKind.Unknown ? 200 : 8);
                    break;
                case 1:
                    Skip(8, end);
                    Pay(field == WireKind.Unknown ? 200 : 8);
                    break;
                case 5:
                    Skip(4, end);
                    Pay(field == WireKind.Unknown ? 200 : 8);
                    break;
                case 2:
                    Delimited(field, end, depth);
                    break;
                default:
                    throw Broken($"has wire type {tag & 7}");
            }
        }
    }

    private void Delimited(WireKind field, long end, int depth)
    {
        ulong size = Varint(end);
        if (size > (ulong)(end - Position))
            throw new OnnxException($"ends in the middle of a message: the field at byte {Position} claims {size} bytes, {end - Position} are left. It is truncated or broken");
        Pay(field == WireKind.Number ? (long)size * CostPerByte : WireKinds.Cost(field));
        if (field >= WireKind.Model)
            Message(field, Position + (long)size, depth + 1);
        else
            Skip((long)size, end);
    }

    private void Pay(long bytes)
    {
        cost += bytes;
        if (cost > allowed)
            throw new OnnxException($"has {Plural.Of(length, "byte")} but is made of so many small parts that it would take more than {allowed >> 20} MB of memory. It is broken or hostile");
    }

    private ulong Varint(long end)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (Position >= end)
                throw new OnnxException($"ends in the middle of a number at byte {Position}. It is truncated or broken");
            if (next == filled)
                Fill();
            byte part = buffer[next++];
            value |= shift < 64 ? (ulong)(part & 0x7F) << shift : 0;
            if (part < 0x80)
                return value;
        }
        throw Broken("has a number of more than ten bytes");
    }

    private void Skip(long count, long end)
    {
        if (count > end - Position)
            throw new OnnxException($"ends in the middle of a field at byte {Position}. It is truncated or broken");
        if (count <= filled - next)
        {
            next += (int)count;
            return;
        }
        bufferStart = Position + count;
        (next, filled) = (0, 0);
        stream.Position = bufferStart;
    }

    private void Fill()
    {
        bufferStart += filled;
        (next, filled) = (0, stream.Read(buffer));
        if (filled == 0)
            throw new OnnxException($"ended at byte {bufferStart} while it was read; it had {Plural.Of(length, "byte")} before");
    }

    private OnnxException Broken(string what) => new($"is broken: it {what} at byte {Position}");
}
