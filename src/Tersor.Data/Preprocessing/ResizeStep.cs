namespace Tersor.Data.Preprocessing;

/// <summary>Which whole number a computed size becomes.</summary>
public enum SizeRounding
{
    /// <summary>The nearest one, halves up.</summary>
    Nearest,

    /// <summary>The next smaller one.</summary>
    Down,

    /// <summary>The next larger one.</summary>
    Up,
}

/// <summary>Changes an image's size. Says either both sizes, or one size with the other in proportion.</summary>
public sealed record ResizeStep : PreprocessStep
{
    /// <summary>New width in pixels. Alone: the height follows in proportion.</summary>
    public int? Width { get; init; }

    /// <summary>New height in pixels. Alone: the width follows in proportion.</summary>
    public int? Height { get; init; }

    /// <summary>New length of the shorter side; the longer follows in proportion.</summary>
    public int? Shortest { get; init; }

    /// <summary>New length of the longer side; the shorter follows in proportion.</summary>
    public int? Longest { get; init; }

    /// <summary>Largest width when it follows from <see cref="Height"/>: a wider image is squeezed.</summary>
    public int? MaxWidth { get; init; }

    /// <summary>With <see cref="Width"/> and <see cref="Height"/>: the largest size inside both that keeps the proportions. Default: no.</summary>
    public bool KeepAspect { get; init; }

    /// <summary>Both sizes become multiples of this, the nearest, at least one. Default 1.</summary>
    public int MultipleOf { get; init; } = 1;

    /// <summary>What a size in proportion is rounded to. Default: the nearest whole number.</summary>
    public SizeRounding Rounding { get; init; }

    /// <summary>How pixels are computed. Default: bilinear.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bilinear;

    /// <summary>Widen the filter when shrinking, as Pillow does; otherwise as OpenCV does. Default: yes.</summary>
    public bool Antialias { get; init; } = true;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        foreach ((string name, int? size) in new[] { ("width", Width), ("height", Height), ("shortest", Shortest), ("longest", Longest), ("max_width", MaxWidth), ("multiple_of", MultipleOf) })
        {
            if (size is < 1 or > 65535)
                yield return $"{name} is {size}; expected 1..65535";
        }
        int ways = (Width ?? Height) is null ? 0 : 1;
        ways += (Shortest is null ? 0 : 1) + (Longest is null ? 0 : 1);
        if (ways == 0 && MultipleOf == 1)
            yield return "no size is given; expected width and height, one of them, shortest, longest or multiple_of";
        if (ways > 1)
            yield return "several sizes are given; expected width and height, one of them, shortest or longest";
        if (MaxWidth is not null && (Height is null || Width is not null))
            yield return "max_width is given; it goes with height alone";
        if (KeepAspect && (Width is null || Height is null))
            yield return "keep_aspect is given; it goes with width and height";
        if (Filter == ResizeFilter.Lanczos && !Antialias)
            yield return "filter lanczos exists with antialias: true only";
    }

    internal (int Width, int Height) SizeFor(int width, int height)
    {
        (double w, double h) = (Width, Height, Shortest, Longest) switch
        {
            ({ } x, { } y, _, _) when KeepAspect => Scaled(Math.Min((double)x / width, (double)y / height)),
            ({ } x, { } y, _, _) => (x, y),
            ({ } x, null, _, _) => (x, (double)height * x / width),
            (null, { } y, _, _) => (Math.Min((double)width * y / height, MaxWidth ?? double.MaxValue), y),
            (_, _, { } s, _) => width < height ? (s, (double)height * s / width) : ((double)width * s / height, s),
            (_, _, _, { } l) => width > height ? (l, (double)height * l / width) : ((double)width * l / height, l),
            _ => (width, height),
        };
        return (Whole(w), Whole(h));

        (double, double) Scaled(double scale) => (width * scale, height * scale);
    }

    private int Whole(double size)
    {
        // 1e-9: 3 · 0.1 / 0.3 must not be rounded up to the next pixel.
        double rounded = Rounding switch
        {
            SizeRounding.Down => Math.Floor(size + 1e-9),
            SizeRounding.Up => Math.Ceiling(size - 1e-9),
            _ => Math.Floor(size + 0.5),
        };
        if (MultipleOf > 1)
            rounded = Math.Max(Math.Round(rounded / MultipleOf, MidpointRounding.AwayFromZero), 1) * MultipleOf;
        return rounded <= 65535 ? Math.Max((int)rounded, 1) : throw new DataException($"Resizing would make a side of {rounded} pixels; expected at most 65535.");
    }

    internal override PixelImage Apply(PixelImage image)
    {
        byte[] pixels = image.BytesFor("resize");
        (int width, int height) = SizeFor(image.Width, image.Height);
        if (width == image.Width && height == image.Height)
            return image;
        PixelImage.Numbers(width, Math.Max(height, image.Height), image.Channels); // rows first, then columns
        byte[] resized = Antialias
            ? AntialiasedResize.Resize(pixels, image.Width, image.Height, image.Channels, width, height, Filter)
            : PointResize.Resize(pixels, image.Width, image.Height, image.Channels, width, height, Filter);
        return new(width, height, image.Channels, resized)
        {
            Placement = image.Placement.Scaled((double)width / image.Width, (double)height / image.Height),
        };
    }
}
