using Tersor.Data.Preprocessing;

namespace Tersor.Data.Tests.Preprocessing;

public sealed class ResizeTests
{
    public static TheoryData<string> Cases => [.. Fixture.Names("resize.npz").Where(n => n.Contains('_'))];

    [Theory, MemberData(nameof(Cases))]
    public void Resizing_agrees_with_pillow_exactly_and_with_opencv_to_one_grey_level(string name)
    {
        string[] parts = name.Split('_');
        bool pillow = parts[0].EndsWith("pillow", StringComparison.Ordinal);
        PixelImage source = Fixture.Image("resize.npz", parts[0].StartsWith("even", StringComparison.Ordinal) ? "even" : "source"), expected = Fixture.Image("resize.npz", name);
        ResizeStep step = new() { Width = expected.Width, Height = expected.Height, Filter = Enum.Parse<ResizeFilter>(parts[1], ignoreCase: true), Antialias = pillow };
        Assert.Empty(step.Problems());
        PixelImage actual = step.Apply(source);
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        Assert.InRange(Fixture.LargestDifference(actual.Bytes!, expected.Bytes!), 0, pillow ? 0 : 1);
    }

    [Fact]
    public void Antialiasing_changes_a_shrunken_image()
    {
        PixelImage source = Fixture.Image("resize.npz", "source");
        byte[] smooth = new ResizeStep { Width = 13, Height = 9 }.Apply(source).Bytes!, aliased = new ResizeStep { Width = 13, Height = 9, Antialias = false }.Apply(source).Bytes!;
        Assert.True(Fixture.LargestDifference(smooth, aliased) > 30);
    }

    [Fact]
    public void A_height_alone_keeps_the_proportions_up_to_the_largest_width()
    {
        ResizeStep step = new() { Height = 48, MaxWidth = 320, Rounding = SizeRounding.Up };
        Assert.Equal((228, 48), step.SizeFor(142, 30));     // 227.2
        Assert.Equal((320, 48), step.SizeFor(419, 45));     // 446.9
        Assert.Equal((240, 48), step.SizeFor(150, 30));     // exact: not rounded up
        Assert.Equal((227, 48), (step with { Rounding = SizeRounding.Down }).SizeFor(142, 30));
    }

    [Fact]
    public void Sides_and_proportions_follow_the_declared_one()
    {
        Assert.Equal((341, 256), new ResizeStep { Shortest = 256, Rounding = SizeRounding.Down }.SizeFor(640, 480));
        Assert.Equal((256, 341), new ResizeStep { Shortest = 256, Rounding = SizeRounding.Down }.SizeFor(480, 640));
        Assert.Equal((256, 192), new ResizeStep { Longest = 256 }.SizeFor(640, 480));
        Assert.Equal((512, 384), new ResizeStep { Width = 512, Height = 512, KeepAspect = true }.SizeFor(640, 480));
        Assert.Equal((640, 352), new ResizeStep { MultipleOf = 32 }.SizeFor(641, 350));
        Assert.Equal((32, 32), new ResizeStep { MultipleOf = 32 }.SizeFor(3, 5));
        Assert.Equal((1, 10), new ResizeStep { Height = 10 }.SizeFor(1, 1000));
    }

    [Fact]
    public void A_resize_that_contradicts_itself_is_refused()
    {
        Assert.Single(new ResizeStep().Problems());
        Assert.Single(new ResizeStep { Width = 5, Shortest = 7 }.Problems());
        Assert.Single(new ResizeStep { Width = 5, MaxWidth = 7 }.Problems());
        Assert.Single(new ResizeStep { Width = 5, Height = 5, Filter = ResizeFilter.Lanczos, Antialias = false }.Problems());
        Assert.Single(new ResizeStep { Width = 0 }.Problems());
    }
}
