namespace Tersor.Data.Preprocessing;

/// <summary>An image on its way to a tensor: 8-bit until it is normalized, single precision afterwards. Interleaved rows, top first.</summary>
internal sealed class PixelImage
{
    public PixelImage(int width, int height, int channels, byte[] bytes)
        : this(width, height, channels) => Bytes = bytes;

    public PixelImage(int width, int height, int channels, float[] floats)
        : this(width, height, channels) => Floats = floats;

    /// <summary>Pixels of a side: what every format can say.</summary>
    public const int MaxSide = 65535;

    /// <summary>Pixels of an image: four times the largest camera's. A hostile header, or a slip in a description, must not make us reserve gigabytes.</summary>
    public const long MaxPixels = 1 << 28;

    private PixelImage(int width, int height, int channels) => (Width, Height, Channels) = (width, height, channels);

    public int Width { get; }

    public int Height { get; }

    public int Channels { get; }

    /// <summary>Numbers of an image that a step is about to make.</summary>
    /// <exception cref="DataException">They are too many.</exception>
    public static int Numbers(int width, int height, int channels) => (long)width * height <= MaxPixels && (long)width * height * channels <= Array.MaxLength / 2
        ? width * height * channels
        : throw new DataException($"A step makes an image of {width}x{height} pixels and {Plural.Of(channels, "channel")}; expected at most {MaxPixels} pixels, and {Array.MaxLength / 2} numbers.");

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
