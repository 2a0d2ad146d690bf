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

    /// <summary>What it is and what it judges, in words; null before that is known, with the first batch.</summary>
    string? Words { get; }

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

    /// <summary>The samples that have labels.</summary>
    public int[] Labelled() => [.. Enumerable.Range(0, Samples.Count).Where(i => Samples[i].Labels.Count > 0)];

    /// <summary>Whether values have as many rows for every sample.</summary>
    public bool HasRows(IEnumerable<Tensor> values) => values.All(v => v.dim() > 0 && v.shape[0] > 0 && v.shape[0] % Samples.Count == 0);

    /// <summary>The rows of values that belong to some samples.</summary>
    public Tensor[] Rows(IReadOnlyList<Tensor> values, IReadOnlyList<int> samples)
    {
        return [.. values.Select(v => v.index_select(0, tensor(samples.SelectMany(i => Rows(i, v.shape[0] / Samples.Count)).ToArray())))];

        static IEnumerable<long> Rows(int sample, long each)
        {
            for (long row = sample * each; row < (sample + 1) * each; row++)
                yield return row;
        }
    }

    /// <summary>What is said of some of the samples.</summary>
    public ObjectiveInput Of(IReadOnlyList<int> chosen)
    {
        Sample[] samples = [.. chosen.Select(i => Samples[i])];
        return this with
        {
            Samples = samples,
            Values = Rows(Values, chosen),
            Labels = Batch.StackedLabels(samples).Where(l => l.Value.Type != ElementType.String).ToDictionary(l => l.Key, l => TorchTensors.ToTorch(l.Value, l.Value.Type.IsFloat() ? Values[0].dtype : null)),
            Texts = TrainingSequence.TextsOf(samples),
        };
    }
}
