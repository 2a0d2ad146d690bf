namespace Tersor.Data.Preprocessing;

/// <summary>How a resized pixel is made from its neighbours.</summary>
public enum ResizeFilter
{
    /// <summary>The nearest pixel.</summary>
    Nearest,

    /// <summary>Linear in both directions.</summary>
    Bilinear,

    /// <summary>Cubic convolution: a = -0.5 with antialiasing, -0.75 without.</summary>
    Bicubic,

    /// <summary>The mean of the area a pixel covers.</summary>
    Area,

    /// <summary>Windowed sinc over three lobes; with antialiasing only.</summary>
    Lanczos,
}
