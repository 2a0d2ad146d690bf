using System.Runtime.InteropServices;
using SkiaSharp;
using Tersor.Data.Sources;

namespace Tersor.Data.Preprocessing;

/// <summary>Decodes image files to RGB or grey bytes as they are stored: no colour management, no premultiplied alpha, no rotation by metadata.</summary>
internal static class ImageFile
{
    public static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"];

    public static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <exception cref="DataException">The file is absent, no image, truncated or too large.</exception>
    public static PixelImage Read(string path) => Files.Read(path, p =>
    {
        using FileStream stream = File.OpenRead(p);
        return Decode(stream, p);
    });

    private static PixelImage Decode(Stream stream, string path)
    {
        using SKCodec? codec = SKCodec.Create(stream, out SKCodecResult opened);
        if (codec is null)
            throw new DataException($"Image '{path}' cannot be decoded: {opened}. Expected a {string.Join(", ", Extensions.Select(e => e[1..]))} file.");
        int width = codec.Info.Width, height = codec.Info.Height;
        if (width <= 0 || height <= 0 || (long)width * height > PixelImage.MaxPixels)
            throw new DataException($"Image '{path}' is {width}x{height}; expected at most {PixelImage.MaxPixels} pixels.");
        bool grey = codec.Info.ColorType == SKColorType.Gray8;
        // Without a colour space in the target, the codec converts none.
        SKImageInfo target = new(width, height, grey ? SKColorType.Gray8 : SKColorType.Rgba8888, grey ? SKAlphaType.Opaque : SKAlphaType.Unpremul, null);
        byte[] pixels = new byte[target.BytesSize];
        SKCodecResult result = Decode(codec, target, pixels);
        if (result != SKCodecResult.Success)
            throw new DataException($"Image '{path}' ({width}x{height}) is broken: {result}.");
        return grey ? new(width, height, 1, pixels) : new(width, height, 3, DropAlpha(pixels));
    }

    private static SKCodecResult Decode(SKCodec codec, SKImageInfo target, byte[] pixels)
    {
        GCHandle handle = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            return codec.GetPixels(target, handle.AddrOfPinnedObject());
        }
        finally
        {
            handle.Free();
        }
    }

    private static byte[] DropAlpha(byte[] rgba)
    {
        byte[] rgb = new byte[rgba.Length / 4 * 3];
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
            (rgb[to], rgb[to + 1], rgb[to + 2]) = (rgba[from], rgba[from + 1], rgba[from + 2]);
        return rgb;
    }
}
