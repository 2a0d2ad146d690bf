using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>What a step of a sample is fed: its own tensors, and state from the outputs of the step before.</summary>
internal sealed class StepFeeder
{
    private readonly List<(string Output, string Input)> feedback;

    /// <param name="outputNames">What the model gives out.</param>
    /// <param name="feedback">Output name → input name.</param>
    /// <exception cref="RuntimeException">An output to be fed back does not exist.</exception>
    public StepFeeder(IEnumerable<string> outputNames, IReadOnlyDictionary<string, string> feedback)
    {
        string[] known = [.. outputNames];
        if (feedback.Keys.FirstOrDefault(name => !known.Contains(name)) is { } missing)
            throw new RuntimeException($"Output '{missing}' is to be fed back, but the model's outputs are {string.Join(", ", known)}.");
        this.feedback = [.. feedback.Select(pair => (pair.Key, pair.Value))];
    }

    /// <summary>Outputs needed for the next step.</summary>
    public IEnumerable<string> StateOutputs => feedback.Select(pair => pair.Output);

    /// <summary>Everything the step is fed. A tensor that the sample itself gives wins over a state fed back.</summary>
    public IReadOnlyDictionary<string, Tensor> Feed(Sample sample, int step, IReadOnlyDictionary<string, Tensor>? previous)
    {
        if (previous is null || feedback.Count == 0)
            return sample.Steps[step];
        Dictionary<string, Tensor> inputs = new(sample.Steps[step]);
        foreach ((string output, string input) in feedback)
        {
            if (!inputs.ContainsKey(input))
                inputs[input] = previous[output];
        }
        return inputs;
    }
}
