using Tersor.Compression.Training;
using Tersor.Training.Data;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Data;

/// <summary>Random changes to images, whichever axis their channels lie on.</summary>
public sealed class AugmenterTests
{
    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(0, 2, 0)]
    [InlineData(0, 0, 0.3)]
    [InlineData(1, 2, 0.3)]
    public void Channels_last_gives_what_channels_second_gives(double flip, int crop, double erase)
    {
        using IDisposable scope = NewDisposeScope();
        Augmentation settings = new() { Flip = flip, Crop = crop, Erase = erase };
        Tensor images = rand(4, 3, 8, 10), last = images.permute(0, 2, 3, 1).contiguous();
        Tensor second = Augmenter.Apply(settings, new Dictionary<string, Tensor> { ["x"] = images }, new Random(5))["x"];
        Tensor same = Augmenter.Apply(settings, new Dictionary<string, Tensor> { ["x"] = last }, new Random(5))["x"].permute(0, 3, 1, 2);
        Assert.True(second.equal(same).all().item<bool>());
        Assert.False(second.equal(images).all().item<bool>());
        Assert.Equal(images.shape, second.shape);
    }

    [Fact]
    public void What_is_for_images_is_refused_where_there_are_none()
    {
        using IDisposable scope = NewDisposeScope();
        Dictionary<string, Tensor> inputs = new() { ["x"] = rand(4, 3) };
        Assert.Contains("--flip", Assert.Throws<TrainingException>(() => Augmenter.Apply(new() { Flip = 0.5 }, inputs, new Random(1))).Message, StringComparison.Ordinal);
        Assert.NotSame(inputs["x"], Augmenter.Apply(new() { Noise = 0.1 }, inputs, new Random(1))["x"]);
    }
}
