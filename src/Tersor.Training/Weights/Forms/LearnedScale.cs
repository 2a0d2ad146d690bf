namespace Tersor.Training.Weights.Forms;

/// <summary>The step of a quantization, learned: what is trained is the logarithm of how much it has changed, so that the same learning rate suits steps of any size, and none becomes negative.</summary>
/// <remarks>Gradients of the step itself as in Esser et al. 2020, arXiv:1902.08153, section 2.1; they follow from the operators that use it.</remarks>
/// <param name="start">The step training began with; owned.</param>
/// <param name="logarithm">In its shape.</param>
internal sealed class LearnedScale(Tensor start, Tensor logarithm) : IWeightForm, IDisposable
{
    public Tensor Weight() => start * logarithm.exp();

    public void Dispose() => start.Dispose();
}
