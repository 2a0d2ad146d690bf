using Tersor.Data;
using Tersor.Onnx;

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
}
