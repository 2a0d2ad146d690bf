using Tersor.Data;

namespace Tersor.Training.Data;

/// <summary>What one forward pass through time is made of: a batch of single samples, or one sequence.</summary>
/// <param name="Samples">The samples.</param>
/// <param name="Steps">Inputs of every step by name, samples stacked; owned by the batch.</param>
/// <param name="Labels">Labels by name, stacked where they can be; owned by the batch.</param>
/// <param name="Texts">Text labels by name, one a sample.</param>
internal sealed record TrainingSequence(IReadOnlyList<Sample> Samples, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Steps, IReadOnlyDictionary<string, Tensor> Labels,
    IReadOnlyDictionary<string, string[]> Texts) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in Steps.SelectMany(s => s.Values).Concat(Labels.Values))
            tensor.Dispose();
    }
}
