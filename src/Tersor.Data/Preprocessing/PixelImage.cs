namespace Tersor.Data.Preprocessing;

/// <summary>An image on its way to a tensor: 8-bit until it is normalized, single precision afterwards. Interleaved rows, top first.</summary>
internal sealed class PixelImage
{
    public PixelImage(int width, int height, int channels, byte[] bytes)
        : this(width, height, channels) => Bytes = bytes;

    public PixelImage(int width, int height, int channels, float[] floats)
        : this(width, height, channels) => Floats = floats;

    private PixelImage(int width, int height, int channels) => (Width, Height, Channels) = (width, height, channels);

    public int Width { get; }

    public int Height { get; }

    public int Channels { get; }

    /// <summary>The pixels before normalization, or null after it.</summary>
    public byte[]? Bytes { get; }

    /// <summary>The pixels after normalization, or null before it.</summary>
    public float[]? Floats { get; }

    /// <summary>Where a point of the original image is now; boxes follow it.</summary>
    public Placement Placement { get; init; } = Placement.Identity;

    /// <summary>The pixels of <paramref name="step"/>'s input, which works on 8-bit values only.</summary>
    public byte[] BytesFor(string step) =>
        Bytes ?? throw new DataException($"Step '{step}' works on 8-bit pixels, but stands after 'normalize'. Move it before 'normalize'.");

    /// <summary>The pixels as single precision, whatever they are.</summary>
    public float[] ToFloats() => Floats ?? Array.ConvertAll(Bytes!, v => (float)v);
}

/// <summary>x' = x · ScaleX + OffsetX, and the same for y.</summary>
internal readonly record struct Placement(double ScaleX, double OffsetX, double ScaleY, double OffsetY)
{
    public static Placement Identity => new(1, 0, 1, 0);

    public Placement Scaled(double x, double y) => new(ScaleX * x, OffsetX * x, ScaleY * y, OffsetY * y);

    public Placement Moved(double x, double y) => this with { OffsetX = OffsetX + x, OffsetY = OffsetY + y };

    /// <summary>A box x0, y0, x1, y1, put in order again after a mirroring.</summary>
    public (float X0, float Y0, float X1, float Y1) Map(float x0, float y0, float x1, float y1)
    {
        double left = x0 * ScaleX + OffsetX, right = x1 * ScaleX + OffsetX, top = y0 * ScaleY + OffsetY, bottom = y1 * ScaleY + OffsetY;
        return ((float)Math.Min(left, right), (float)Math.Min(top, bottom), (float)Math.Max(left, right), (float)Math.Max(top, bottom));
    }
}
