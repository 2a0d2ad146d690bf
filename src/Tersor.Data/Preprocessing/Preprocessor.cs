using Tersor.Onnx;

namespace Tersor.Data.Preprocessing;

/// <summary>Runs the declared steps.</summary>
internal sealed class Preprocessor(IReadOnlyList<PreprocessStep> steps, TensorFormat format)
{
    public (Tensor Tensor, Placement Placement) Run(PixelImage image, string source)
    {
        try
        {
            foreach (PreprocessStep step in steps)
                image = step.Apply(image);
            return (format.Format(image), image.Placement);
        }
        catch (DataException e)
        {
            throw new DataException($"{source}: {e.Message}", e);
        }
    }
}
