namespace Tersor.Data.Preprocessing;

/// <summary>(value · scale − mean) / std, in single precision. Later steps see these numbers, not pixels.</summary>
public sealed record NormalizeStep : PreprocessStep
{
    /// <summary>Multiplies every pixel first. Default 1/255.</summary>
    public float Scale { get; init; } = 1f / 255;

    /// <summary>Subtracted then: one number, or one a channel in their present order. Default 0.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0];

    /// <summary>Divides at last: one number, or one a channel in their present order. Default 1.</summary>
    public IReadOnlyList<float> Std { get; init; } = [1];

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        if (!float.IsFinite(Scale))
            yield return $"scale is {Scale}; expected a finite number";
        if (Mean.Count == 0 || !Mean.All(float.IsFinite))
            yield return $"mean is [{string.Join(", ", Mean)}]; expected one finite number, or one a channel";
        if (Std.Count == 0 || !Std.All(s => float.IsFinite(s) && s != 0))
            yield return $"std is [{string.Join(", ", Std)}]; expected one finite number other than 0, or one a channel";
    }

    internal override PixelImage Apply(PixelImage image)
    {
        Check("mean", Mean.Count);
        Check("std", Std.Count);
        float[] pixels = image.ToFloats(), result = new float[pixels.Length];
        for (int i = 0; i < result.Length; i++)
        {
            int channel = i % image.Channels;
            result[i] = (pixels[i] * Scale - Mean[Mean.Count == 1 ? 0 : channel]) / Std[Std.Count == 1 ? 0 : channel];
        }
        return new(image.Width, image.Height, image.Channels, result) { Placement = image.Placement };

        void Check(string name, int count)
        {
            if (count != 1 && count != image.Channels)
                throw new DataException($"Step 'normalize' has {Plural.Of(count, "number")} for {name}, but the image has {Plural.Of(image.Channels, "channel")}. Give one number, or {image.Channels}.");
        }
    }
}
