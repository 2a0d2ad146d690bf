using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Runs samples through a session step by step, feeding state outputs back to inputs. State starts anew with every sample.</summary>
/// <param name="session">The model. Not disposed here.</param>
/// <param name="feedback">Output name → input name, as in <see cref="IDataSet.Feedback"/>.</param>
public sealed class SampleRunner(ModelSession session, IReadOnlyDictionary<string, string>? feedback = null)
{
    private readonly string[] tensors = [.. session.Outputs.Where(o => o.Type is OnnxType.Tensor).Select(o => o.Name)];
    private readonly StepFeeder feeder = new(session.OutputNames, feedback ?? new Dictionary<string, string>());

    /// <summary>Runs one sample.</summary>
    /// <param name="sample">What is fed.</param>
    /// <param name="outputs">Names of the outputs wanted; null for all that are tensors. Outputs fed back are run, but not returned, when they are not among them.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <returns>The outputs by name, one dictionary a step.</returns>
    /// <exception cref="RuntimeException">An input is missing or has the wrong type or shape, or a node fails.</exception>
    public IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Run(Sample sample, IReadOnlyCollection<string>? outputs = null, CancellationToken cancellation = default)
    {
        List<IReadOnlyDictionary<string, Tensor>> results = new(sample.Steps.Count);
        string[] needed = outputs is null ? tensors : [.. outputs.Concat(feeder.StateOutputs).Distinct()];
        IReadOnlyDictionary<string, Tensor>? previous = null;
        for (int step = 0; step < sample.Steps.Count; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                previous = session.Run(feeder.Feed(sample, step, previous), needed);
            }
            catch (RuntimeException e)
            {
                throw new RuntimeException($"Sample '{sample.Name}'{(sample.Steps.Count > 1 ? $", step {step}" : "")}: {e.Message}", e);
            }
            results.Add(outputs is null ? previous : previous.Where(pair => outputs.Contains(pair.Key)).ToDictionary());
        }
        return results;
    }
}
