namespace Tersor.Data.Preprocessing;

/// <summary>Puts the channels in an order. Images are read as RGB or grey.</summary>
public sealed record ChannelsStep(ChannelOrder Order) : PreprocessStep
{
    /// <inheritdoc/>
    public override IEnumerable<string> Problems() => [];

    internal override PixelImage Apply(PixelImage image)
    {
        byte[] source = image.BytesFor("channels");
        return (image.Channels, Order) switch
        {
            (1, ChannelOrder.Grey) or (3, ChannelOrder.Rgb) => image,
            (1, _) => With(image, 3, (pixel, c) => source[pixel]),
            (3, ChannelOrder.Bgr) => With(image, 3, (pixel, c) => source[pixel * 3 + 2 - c]),
            // 16-bit fixed point, as Pillow's convert("L"): ITU-R BT.601 weights.
            (3, _) => With(image, 1, (pixel, c) => (byte)((source[pixel * 3] * 19595 + source[pixel * 3 + 1] * 38470 + source[pixel * 3 + 2] * 7471 + 0x8000) >> 16)),
            _ => throw new DataException($"Step 'channels' found {image.Channels} channels; expected 1 or 3."),
        };
    }

    private static PixelImage With(PixelImage image, int channels, Func<int, int, byte> value)
    {
        byte[] result = new byte[PixelImage.Numbers(image.Width, image.Height, channels)];
        for (int i = 0; i < result.Length; i++)
            result[i] = value(i / channels, i % channels);
        return new(image.Width, image.Height, channels, result) { Placement = image.Placement };
    }
}
