using Tersor.Data.Preprocessing;

namespace Tersor.Data.Tests.Preprocessing;

public sealed class ImageFileTests
{
    [Theory]
    [InlineData("rgb.png", 0)]
    [InlineData("grey.png", 0)]
    [InlineData("alpha.png", 0)]    // transparency is dropped, colours are not multiplied by it
    [InlineData("gamma.png", 0)]    // a gamma of 1.0 is stated and ignored
    [InlineData("palette.png", 0)]
    [InlineData("rgb.jpg", 2)]      // decoders of one standard differ by rounding
    [InlineData("grey.jpg", 1)]
    public void Pixels_are_read_as_pillow_reads_them(string file, int tolerance)
    {
        PixelImage expected = Fixture.Image("decoded.npz", file.Replace('.', '_')), actual = ImageFile.Read(Fixture.At(file));
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        if (actual.Channels != expected.Channels)
            actual = new ChannelsStep(expected.Channels == 1 ? ChannelOrder.Grey : ChannelOrder.Rgb).Apply(actual);
        Assert.InRange(Fixture.LargestDifference(actual.Bytes!, expected.Bytes!), 0, tolerance);
    }

    [Fact]
    public void A_broken_image_is_an_error_that_names_the_file()
    {
        using TemporaryFolder folder = new();
        byte[] whole = File.ReadAllBytes(Fixture.At("rgb.png"));
        string truncated = folder.At("truncated.png"), text = folder.Write("text.png", "no image"), empty = folder.Write("empty.png", "");
        File.WriteAllBytes(truncated, whole[..(whole.Length / 2)]);
        foreach (string path in new[] { truncated, text, empty, folder.At("absent.png") })
            Assert.Contains(path, Assert.Throws<DataException>(() => ImageFile.Read(path)).Message, StringComparison.Ordinal);
    }
}
