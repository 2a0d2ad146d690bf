using Tersor.Training.Operators.Fused;

namespace Tersor.Training.Weights.Forms;

/// <summary>A weight in integers: what is trained is rounded to multiples of a scale. Gradients pass straight through to what lies within, and reach the scale.</summary>
/// <remarks>Source: Esser et al. 2020, arXiv:1902.08153, equations 1 to 3; for biases, whose scale follows from others: Jacob et al. 2018, arXiv:1712.05877, section 2.4.</remarks>
/// <param name="latent">The numbers that are trained.</param>
/// <param name="scale">The step, in its own shape.</param>
/// <param name="shape">The shape in which it multiplies the weight.</param>
/// <param name="least">Least integer, from the zero point.</param>
/// <param name="greatest">Greatest integer, from the zero point.</param>
internal sealed class QuantizedForm(Tensor latent, Func<Tensor> scale, long[] shape, double least, double greatest) : IWeightForm
{
    public Tensor Weight() => FakeQuantization.Apply(latent, scale().reshape(shape), least, greatest);

    /// <summary>The integers, from the zero point; owned by the current scope.</summary>
    public Tensor Integers() => (latent / scale().reshape(shape)).clamp(least, greatest).round();

    /// <summary>The scale, as the model holds it; owned by the current scope.</summary>
    public Tensor Scale() => scale();
}
