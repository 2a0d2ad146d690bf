namespace Tersor.Data.Preprocessing;

/// <summary>Appends a channel that holds one value everywhere.</summary>
public sealed record ExtraChannelStep(float Value) : PreprocessStep
{
    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        if (!float.IsFinite(Value))
            yield return $"value is {Value}; expected a finite number";
    }

    internal override PixelImage Apply(PixelImage image)
    {
        int channels = image.Channels + 1;
        float[] pixels = image.ToFloats(), result = new float[PixelImage.Numbers(image.Width, image.Height, channels)];
        for (int i = 0; i < result.Length; i++)
            result[i] = i % channels < image.Channels ? pixels[i / channels * image.Channels + i % channels] : Value;
        return new(image.Width, image.Height, channels, result) { Placement = image.Placement };
    }
}
