using System.Text;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Training.Data;

/// <summary>What one forward pass through time is made of: a batch of single samples, or one sequence.</summary>
/// <param name="Samples">The samples.</param>
/// <param name="Steps">Inputs of every step by name, samples stacked; owned by the batch.</param>
/// <param name="Labels">Labels by name, stacked where they can be; owned by the batch.</param>
/// <param name="Texts">Text labels by name, one a sample.</param>
internal sealed record TrainingSequence(IReadOnlyList<Sample> Samples, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Steps, IReadOnlyDictionary<string, Tensor> Labels,
    IReadOnlyDictionary<string, string[]> Texts) : IDisposable
{
    /// <summary>Text labels that all of some samples have.</summary>
    public static IReadOnlyDictionary<string, string[]> TextsOf(IReadOnlyList<Sample> samples) => samples[0].Labels
        .Where(l => samples.All(s => s.Labels.TryGetValue(l.Key, out OnnxTensor? text) && text is { Type: ElementType.String, Strings.Length: > 0 }))
        .ToDictionary(l => l.Key, l => samples.Select(s => Encoding.UTF8.GetString(s.Labels[l.Key].Strings[0].Span)).ToArray());

    /// <summary>Refuses samples in which a number is NaN: whatever is learned from them is NaN too, at any learning rate.</summary>
    /// <exception cref="TrainingException">One of them has such a number.</exception>
    public void RequireNumbers()
    {
        if (First(double.IsNaN) is var (sample, tensor))
            throw new TrainingException($"Sample '{sample}' has NaN in '{tensor}': nothing can be learned from it, at any learning rate. Mend the data, or leave the sample out.");
    }

    /// <summary>The sample, and its input or label, with the first number that is as asked; null: there is none.</summary>
    public (string Sample, string Tensor)? First(Predicate<double> wanted)
    {
        foreach (Sample sample in Samples)
        {
            foreach ((string name, OnnxTensor tensor) in sample.Steps.SelectMany(s => s).Concat(sample.Labels))
            {
                if (tensor.Type.IsFloat() && Array.Exists(tensor.ToDoubles(), wanted))
                    return (sample.Name, name);
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in Steps.SelectMany(s => s.Values).Concat(Labels.Values))
            tensor.Dispose();
    }
}
