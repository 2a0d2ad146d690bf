using static TorchSharp.torch;

namespace Tersor.Training.Weights.Forms;

/// <summary>A weight that holds a few values only: each number is the value of the codebook that its latent number lies nearest to. Gradients reach both, the codebook and, straight through, the latent numbers.</summary>
/// <remarks>Source for shared values and their gradients: Han et al. 2016, arXiv:1510.00149, section 3.</remarks>
internal sealed class CodebookForm(Tensor latent, Tensor codebook) : IWeightForm
{
    public Tensor Weight()
    {
        Tensor index;
        using (no_grad())
        {
            // By the midpoints between neighbours: comparing each number with each value would take as many numbers as both together have.
            using IDisposable scope = NewDisposeScope();
            (Tensor values, Tensor order) = codebook.sort();
            Tensor middles = (values.narrow(0, 1, values.numel() - 1) + values.narrow(0, 0, values.numel() - 1)) / 2;
            index = order.index_select(0, bucketize(latent.flatten(), middles)).MoveToOuterDisposeScope();
        }
        Tensor shared = codebook.index_select(0, index).reshape(latent.shape);
        return shared + (latent - latent.detach());
    }
}
