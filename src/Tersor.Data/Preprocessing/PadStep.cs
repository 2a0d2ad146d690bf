namespace Tersor.Data.Preprocessing;

/// <summary>Makes an image larger by surrounding it with one value.</summary>
public sealed record PadStep : PreprocessStep
{
    /// <summary>New width; null: as it is.</summary>
    public int? Width { get; init; }

    /// <summary>New height; null: as it is.</summary>
    public int? Height { get; init; }

    /// <summary>Both sizes become the next multiple of this. Default 1.</summary>
    public int MultipleOf { get; init; } = 1;

    /// <summary>The value: 0..255 before 'normalize', any number after it. Default 0.</summary>
    public float Value { get; init; }

    /// <summary>Where the image lies. Default: left upper corner.</summary>
    public Alignment Align { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        if (Width is < 1 or > 65535)
            yield return $"width is {Width}; expected 1..65535";
        if (Height is < 1 or > 65535)
            yield return $"height is {Height}; expected 1..65535";
        if (MultipleOf is < 1 or > 65535)
            yield return $"multiple_of is {MultipleOf}; expected 1..65535";
        if (Width is null && Height is null && MultipleOf == 1)
            yield return "no size is given; expected width, height or multiple_of";
        if (!float.IsFinite(Value))
            yield return $"value is {Value}; expected a finite number";
    }

    internal override PixelImage Apply(PixelImage image)
    {
        int width = Up(Width ?? image.Width), height = Up(Height ?? image.Height);
        if (image.Width > width || image.Height > height)
            throw new DataException($"Step 'pad' makes {width}x{height}, but the image is already {image.Width}x{image.Height}. Resize it first.");
        if (image.Bytes is not null && Value is < 0 or > 255)
            throw new DataException($"Step 'pad' has value {Value}, but the pixels are still 8-bit (0..255). Move it after 'normalize'.");
        if (width == image.Width && height == image.Height)
            return image;
        int left = Align == Alignment.Center ? (width - image.Width) / 2 : 0, top = Align == Alignment.Center ? (height - image.Height) / 2 : 0;
        return PixelMoves.Map(image, width, height,
            (x, y) => x >= left && y >= top && x < left + image.Width && y < top + image.Height ? (x - left, y - top) : null,
            Value, image.Placement.Moved(left, top));
    }

    private int Up(int size) => (size + MultipleOf - 1) / MultipleOf * MultipleOf;
}
