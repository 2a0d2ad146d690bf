namespace Tersor.Training.Weights.Forms;

/// <summary>How the weight a graph computes with follows from the numbers that are trained, where it is not those numbers themselves: a constraint that holds in every step.</summary>
internal interface IWeightForm
{
    /// <summary>The weight, with gradients to the numbers it follows from; owned by the current scope.</summary>
    Tensor Weight();
}
