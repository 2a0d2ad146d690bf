using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Preprocessing;

public sealed class PreprocessStepTests
{
    // 3 x 2, one channel: 1 2 3 / 4 5 6.
    private static readonly PixelImage Small = new(3, 2, 1, [1, 2, 3, 4, 5, 6]);

    [Fact]
    public void Cropping_takes_the_stated_place_or_the_middle()
    {
        Assert.Equal([5, 6], new CropStep { Width = 2, Height = 1, X = 1, Y = 1 }.Apply(Small).Bytes!);
        Assert.Equal([2, 5], new CropStep { Width = 1, Height = 2 }.Apply(Small).Bytes!);
        Assert.Contains("3x2", Assert.Throws<DataException>(() => new CropStep { Width = 4, Height = 2 }.Apply(Small)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Padding_surrounds_with_the_value_on_the_stated_side()
    {
        Assert.Equal([1, 2, 3, 9, 4, 5, 6, 9], new PadStep { Width = 4, Value = 9 }.Apply(Small).Bytes!);
        Assert.Equal([0, 1, 2, 3, 0, 0, 4, 5, 6, 0], new PadStep { Width = 5, Align = Alignment.Center }.Apply(Small).Bytes!);
        PixelImage multiple = new PadStep { MultipleOf = 4 }.Apply(Small);
        Assert.Equal((4, 4), (multiple.Width, multiple.Height));
        Assert.Throws<DataException>(() => new PadStep { Width = 2 }.Apply(Small));
        Assert.Throws<DataException>(() => new PadStep { Width = 5, Value = -1 }.Apply(Small));
        Assert.Equal(-1, new PadStep { Width = 5, Value = -1 }.Apply(new NormalizeStep().Apply(Small)).Floats![3]);
    }

    [Fact]
    public void Turning_moves_pixels_clockwise()
    {
        Assert.Equal([4, 1, 5, 2, 6, 3], new TurnStep { Rotate = 90 }.Apply(Small).Bytes!);
        Assert.Equal([6, 5, 4, 3, 2, 1], new TurnStep { Rotate = 180 }.Apply(Small).Bytes!);
        Assert.Equal([3, 6, 2, 5, 1, 4], new TurnStep { Rotate = 270 }.Apply(Small).Bytes!);
        Assert.Equal([3, 2, 1, 6, 5, 4], new TurnStep { Mirror = true }.Apply(Small).Bytes!);
        Assert.Single(new TurnStep { Rotate = 45 }.Problems());
    }

    [Fact]
    public void Channels_are_reordered_repeated_and_mixed()
    {
        PixelImage pixel = new(1, 1, 3, [10, 20, 30]);
        Assert.Equal([30, 20, 10], new ChannelsStep(ChannelOrder.Bgr).Apply(pixel).Bytes!);
        Assert.Equal([7, 7, 7], new ChannelsStep(ChannelOrder.Bgr).Apply(new(1, 1, 1, [7])).Bytes!);
        PixelImage rgb = Fixture.Image("decoded.npz", "rgb_png");
        Assert.Equal(Fixture.Array("decoded.npz", "rgb_to_grey").Bytes, new ChannelsStep(ChannelOrder.Grey).Apply(rgb).Bytes!);
    }

    [Fact]
    public void Normalizing_scales_subtracts_and_divides_by_channel()
    {
        NormalizeStep step = new() { Scale = 0.5f, Mean = [1, 2, 3], Std = [2, 4, 8] };
        Assert.Equal([2f, 2f, 1.5f], step.Apply(new(1, 1, 3, [10, 20, 30])).Floats!);
        Assert.Contains("1 channel", Assert.Throws<DataException>(() => step.Apply(Small)).Message, StringComparison.Ordinal);
        Assert.Single(new NormalizeStep { Std = [0] }.Problems());
    }

    [Fact]
    public void Resizing_after_normalizing_is_refused()
    {
        PixelImage normalized = new NormalizeStep().Apply(Small);
        Assert.Contains("before 'normalize'", Assert.Throws<DataException>(() => new ResizeStep { Width = 2 }.Apply(normalized)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tensor_has_the_declared_layout_and_type()
    {
        PixelImage image = new ExtraChannelStep(1).Apply(new(2, 1, 3, [10, 20, 30, 40, 50, 60]));
        Tensor first = new TensorFormat(TensorLayout.Nchw).Format(image), last = new TensorFormat(TensorLayout.Nhwc, ElementType.Int64).Format(image);
        Assert.Equal([1, 4, 1, 2], first.Shape);
        Assert.Equal([10, 40, 20, 50, 30, 60, 1, 1], first.ToFloats());
        Assert.Equal([1, 1, 2, 4], last.Shape);
        Assert.Equal([10, 20, 30, 1, 40, 50, 60, 1], last.ToInt64s());
        Assert.Equal([1, 2, 3], new TensorFormat(TensorLayout.Nhw).Format(Small).Shape);
        Assert.Throws<DataException>(() => new TensorFormat(TensorLayout.Nhw).Format(image));
    }

    [Fact]
    public void A_marked_pixel_is_where_the_placement_says()
    {
        // One white pixel in a black image, followed through steps that only move pixels.
        byte[] pixels = new byte[20 * 10];
        pixels[3 * 20 + 7] = 255;
        PixelImage image = new(20, 10, 1, pixels);
        foreach (PreprocessStep step in new PreprocessStep[]
        {
            new CropStep { Width = 16, Height = 8, X = 2, Y = 1 },
            new TurnStep { Rotate = 180 },
            new PadStep { Width = 21, Height = 12, Align = Alignment.Center },
            new TurnStep { Mirror = true },
            new ResizeStep { Width = 42, Height = 36, Filter = ResizeFilter.Nearest },
        })
        {
            image = step.Apply(image);
        }
        (float x0, float y0, float x1, float y1) = image.Placement.Map(7, 3, 8, 4);
        Assert.Equal((2, 3), (x1 - x0, y1 - y0));
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
                Assert.Equal(x >= x0 && x < x1 && y >= y0 && y < y1 ? 255 : 0, image.Bytes![y * image.Width + x]);
        }
    }
}
