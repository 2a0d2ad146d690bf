using Tersor.Onnx;

namespace Tersor.Compression.Training;

/// <summary>What a loss says of every weight, from the gradients of single samples.</summary>
/// <param name="Weights">By the name of the constant, as <see cref="TrainingSettings.Weights"/> chooses them.</param>
/// <param name="Samples">How many samples the means are over.</param>
/// <param name="Loss">The mean loss.</param>
public sealed record GradientStatistics(IReadOnlyDictionary<string, WeightStatistics> Weights, int Samples, double Loss);

/// <summary>Statistics of the gradients of one weight. Both tensors are of float32 and have the weight's shape.</summary>
/// <param name="Gradient">Mean over samples of ∂loss/∂weight: the first-order term of how the loss changes with it.</param>
/// <param name="SquaredGradient">Mean over samples of its square: the diagonal of the empirical Fisher information, which stands for second derivatives near a minimum.</param>
/// <remarks>Source: Theis et al. 2018, arXiv:1801.05787, section 2.1; where the empirical Fisher is far from the Hessian: Kunstner et al. 2019, arXiv:1905.12558.</remarks>
public sealed record WeightStatistics(Tensor Gradient, Tensor SquaredGradient);
