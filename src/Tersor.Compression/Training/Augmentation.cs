namespace Tersor.Compression.Training;

/// <summary>Random changes to training images, [samples, channels, height, width], that leave the right answer as it is. Everything is off by default.</summary>
public sealed record Augmentation
{
    /// <summary>Share of batches that are mirrored left-right, 0..1.</summary>
    public double Flip { get; init; }

    /// <summary>Pixels that are added at every side before a part of the original size is cut out anywhere, one place a batch.</summary>
    public int Crop { get; init; }

    /// <summary>Share of the area of a rectangle that is set to 0 at a random place of every sample, 0..1.</summary>
    /// <remarks>Source: Zhong et al. 2020, arXiv:1708.04896.</remarks>
    public double Erase { get; init; }

    /// <summary>Standard deviation of normal noise that is added to the input, in its own units. Any floating-point input can take it.</summary>
    public double Noise { get; init; }

    /// <summary>Every broken rule, in words; empty when the settings are usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (!(Flip is >= 0 and <= 1))
            yield return $"{nameof(Flip)} is {Flip}; expected 0..1.";
        if (Crop < 0)
            yield return $"{nameof(Crop)} is {Crop}; expected 0 or more.";
        if (!(Erase is >= 0 and < 1))
            yield return $"{nameof(Erase)} is {Erase}; expected 0..1, 1 excluded.";
        if (!(Noise >= 0 && double.IsFinite(Noise)))
            yield return $"{nameof(Noise)} is {Noise}; expected 0 or more.";
    }
}
