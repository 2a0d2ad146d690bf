namespace Tersor.Data.Preprocessing;

/// <summary>Cuts a rectangle out of an image: at a stated place, or from the middle.</summary>
public sealed record CropStep : PreprocessStep
{
    /// <summary>Width of what stays, in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of what stays, in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Left edge; null: from the middle.</summary>
    public int? X { get; init; }

    /// <summary>Upper edge; null: from the middle.</summary>
    public int? Y { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        if (Width is < 1 or > 65535)
            yield return $"width is {Width}; expected 1..65535";
        if (Height is < 1 or > 65535)
            yield return $"height is {Height}; expected 1..65535";
        if (X < 0 || Y < 0)
            yield return $"x is {X} and y is {Y}; expected 0 or more";
    }

    internal override PixelImage Apply(PixelImage image)
    {
        // Halves are rounded to even, as torchvision's CenterCrop does.
        int left = X ?? (int)Math.Round((image.Width - Width) / 2.0), top = Y ?? (int)Math.Round((image.Height - Height) / 2.0);
        if (left < 0 || top < 0 || (long)left + Width > image.Width || (long)top + Height > image.Height)
            throw new DataException($"Step 'crop' takes {Width}x{Height} at ({left}, {top}), but the image is {image.Width}x{image.Height}. Resize or pad it first.");
        return PixelMoves.Map(image, Width, Height, (x, y) => (x + left, y + top), 0, image.Placement.Moved(-left, -top));
    }
}
