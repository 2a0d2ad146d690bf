namespace Tersor.Data.Preprocessing;

/// <summary>One step on an image's way to a tensor. Steps run in the order in which they are declared.</summary>
public abstract record PreprocessStep
{
    private protected PreprocessStep()
    {
    }

    /// <summary>Every broken rule, in words; empty when the step is usable.</summary>
    public abstract IEnumerable<string> Problems();

    internal abstract PixelImage Apply(PixelImage image);
}

/// <summary>Where a smaller image lies in a larger one.</summary>
public enum Alignment
{
    /// <summary>In the left upper corner.</summary>
    TopLeft,

    /// <summary>In the middle; an odd rest goes to the right and below.</summary>
    Center,
}

/// <summary>The order of an image's channels.</summary>
public enum ChannelOrder
{
    /// <summary>Red, green, blue; a grey image is repeated three times.</summary>
    Rgb,

    /// <summary>Blue, green, red; a grey image is repeated three times.</summary>
    Bgr,

    /// <summary>One channel: 0.299 R + 0.587 G + 0.114 B.</summary>
    Grey,
}
