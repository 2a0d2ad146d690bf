using Tersor.Onnx;

namespace Tersor.Data.Preprocessing;

/// <summary>The order of an image tensor's dimensions; N is always 1.</summary>
public enum TensorLayout
{
    /// <summary>Channels before rows: what PyTorch and PaddlePaddle export.</summary>
    Nchw,

    /// <summary>Channels last: what TensorFlow exports.</summary>
    Nhwc,

    /// <summary>No channel dimension; the image must have one channel.</summary>
    Nhw,
}

/// <summary>The tensor an image becomes at the end.</summary>
/// <param name="Layout">Order of its dimensions.</param>
/// <param name="Type">Its element type: a float type, or an integer type that numbers are rounded and saturated to.</param>
public sealed record TensorFormat(TensorLayout Layout = TensorLayout.Nchw, ElementType Type = ElementType.Float32)
{
    internal Tensor Format(PixelImage image)
    {
        int pixels = image.Width * image.Height, channels = image.Channels;
        float[] source = image.ToFloats(), ordered = source;
        if (Layout == TensorLayout.Nhw && channels != 1)
            throw new DataException($"Layout NHW takes one channel; the image has {channels}. Add the step 'channels: grey', or use NCHW or NHWC.");
        if (Layout == TensorLayout.Nchw && channels > 1)
        {
            ordered = new float[source.Length];
            for (int p = 0; p < pixels; p++)
            {
                for (int c = 0; c < channels; c++)
                    ordered[c * pixels + p] = source[p * channels + c];
            }
        }
        long[] shape = Layout switch
        {
            TensorLayout.Nchw => [1, channels, image.Height, image.Width],
            TensorLayout.Nhwc => [1, image.Height, image.Width, channels],
            _ => [1, image.Height, image.Width],
        };
        return Numbers.ToTensor(Type, shape, ordered);
    }
}
