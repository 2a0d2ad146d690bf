namespace Tersor.Data.Preprocessing;

/// <summary>Rotates an image by quarter turns, clockwise, and mirrors it: exact, no pixel is computed.</summary>
public sealed record TurnStep : PreprocessStep
{
    /// <summary>Degrees clockwise: 0, 90, 180 or 270.</summary>
    public int Rotate { get; init; }

    /// <summary>Mirror left-right, after the rotation.</summary>
    public bool Mirror { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        if (Rotate is not (0 or 90 or 180 or 270))
            yield return $"rotate is {Rotate}; expected 0, 90, 180 or 270";
    }

    internal override PixelImage Apply(PixelImage image)
    {
        PixelImage turned = Rotate switch
        {
            90 => PixelMoves.Map(image, image.Height, image.Width, (x, y) => (y, image.Height - 1 - x), 0, image.Placement),
            180 => PixelMoves.Map(image, image.Width, image.Height, (x, y) => (image.Width - 1 - x, image.Height - 1 - y), 0,
                new(-image.Placement.ScaleX, image.Width - image.Placement.OffsetX, -image.Placement.ScaleY, image.Height - image.Placement.OffsetY)),
            270 => PixelMoves.Map(image, image.Height, image.Width, (x, y) => (image.Width - 1 - y, x), 0, image.Placement),
            _ => image,
        };
        return !Mirror ? turned : PixelMoves.Map(turned, turned.Width, turned.Height, (x, y) => (turned.Width - 1 - x, y), 0,
            turned.Placement with { ScaleX = -turned.Placement.ScaleX, OffsetX = turned.Width - turned.Placement.OffsetX });
    }
}
