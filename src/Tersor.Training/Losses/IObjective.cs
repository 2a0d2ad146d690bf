using Tersor.Data;
using Tersor.Data.Loading;
using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Losses;

/// <summary>What a step of training makes small.</summary>
internal interface IObjective
{
    /// <summary>Values of the running graph it looks at.</summary>
    IReadOnlyList<Value> Wanted { get; }

    /// <summary>The loss of one step of a sequence, or of a batch: a single number with a gradient, owned by the current scope.</summary>
    Tensor Loss(ObjectiveInput input);

    /// <summary>Called where a sequence begins: teachers' states start anew.</summary>
    void Begin()
    {
    }
}

/// <summary>What an objective is given.</summary>
/// <param name="Values">What it wanted, in its order.</param>
/// <param name="Inputs">What the model was fed, by name.</param>
/// <param name="Labels">Labels of this step by name.</param>
/// <param name="Texts">Text labels by name, one a sample.</param>
/// <param name="Done">Share of training that is done, 0..1.</param>
internal sealed record ObjectiveInput(IReadOnlyList<Tensor> Values, IReadOnlyDictionary<string, Tensor> Inputs, IReadOnlyDictionary<string, Tensor> Labels, IReadOnlyDictionary<string, string[]> Texts, double Done)
{
    /// <summary>The samples of the batch, or the one whose sequence it is.</summary>
    public required IReadOnlyList<Sample> Samples { get; init; }

    /// <summary>How often all samples were gone through before.</summary>
    public required int Pass { get; init; }

    /// <summary>Whether they are held out, and judged only.</summary>
    public required bool HeldOut { get; init; }

    /// <summary>What is said of the samples that have labels: this where all have; null where none has, or where values have no rows that belong to a sample.</summary>
    public ObjectiveInput? Labelled()
    {
        int[] labelled = [.. Enumerable.Range(0, Samples.Count).Where(i => Samples[i].Labels.Count > 0)];
        if (labelled.Length == 0 || labelled.Length == Samples.Count)
            return labelled.Length == 0 ? null : this;
        if (Values.Any(v => v.dim() == 0 || v.shape[0] == 0 || v.shape[0] % Samples.Count != 0))
            return null;
        Sample[] samples = [.. labelled.Select(i => Samples[i])];
        return this with
        {
            Samples = samples,
            Values = [.. Values.Select(v => v.index_select(0, tensor(labelled.SelectMany(i => Rows(i, v.shape[0] / Samples.Count)).ToArray())))],
            Labels = Batch.StackedLabels(samples).Where(l => l.Value.Type != ElementType.String).ToDictionary(l => l.Key, l => TorchTensors.ToTorch(l.Value, l.Value.Type.IsFloat() ? Values[0].dtype : null)),
            Texts = TrainingSequence.TextsOf(samples),
        };

        static IEnumerable<long> Rows(int sample, long each)
        {
            for (long row = sample * each; row < (sample + 1) * each; row++)
                yield return row;
        }
    }
}
