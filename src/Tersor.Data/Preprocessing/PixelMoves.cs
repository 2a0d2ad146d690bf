namespace Tersor.Data.Preprocessing;

/// <summary>Rearranges pixels, 8-bit or single precision alike.</summary>
internal static class PixelMoves
{
    /// <summary>A new image whose pixel (x, y) is the old one's at <paramref name="from"/>, or <paramref name="fill"/> where that is null.</summary>
    public static PixelImage Map(PixelImage image, int width, int height, Func<int, int, (int X, int Y)?> from, float fill, Placement placement)
    {
        if (image.Bytes is { } bytes)
            return new(width, height, image.Channels, Map(bytes, image, width, height, from, (byte)Math.Clamp(MathF.Round(fill), 0, 255))) { Placement = placement };
        return new(width, height, image.Channels, Map(image.Floats!, image, width, height, from, fill)) { Placement = placement };
    }

    private static T[] Map<T>(T[] source, PixelImage image, int width, int height, Func<int, int, (int X, int Y)?> from, T fill)
    {
        int channels = image.Channels;
        T[] result = new T[PixelImage.Numbers(width, height, channels)];
        for (int y = 0, to = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++, to += channels)
            {
                if (from(x, y) is { } position)
                    Array.Copy(source, (position.Y * image.Width + position.X) * channels, result, to, channels);
                else
                    Array.Fill(result, fill, to, channels);
            }
        }
        return result;
    }
}
