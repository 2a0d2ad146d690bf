using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Runs a model over data and shows its intermediate values to any number of observers, in one run where memory allows.</summary>
/// <remarks>A clone of the model gets the wanted values as further outputs. Nothing is kept: memory is about the model plus one step's observed values.</remarks>
public static class Observer
{
    /// <summary>Observes a model over a whole data set.</summary>
    /// <inheritdoc cref="Observe(Model, IEnumerable{Sample}, IReadOnlyDictionary{string, string}, IReadOnlyCollection{ValueObserver}, ObserverSettings?, IProgress{ObservationProgress}?, CancellationToken)"/>
    public static ObservationReport Observe(Model model, IDataSet data, IReadOnlyCollection<ValueObserver> observers,
        ObserverSettings? settings = null, IProgress<ObservationProgress>? progress = null, CancellationToken cancellation = default) =>
        Observe(model, Enumerable.Range(0, data.Count).Select(data.Read), data.Feedback, observers, settings, progress, cancellation);

    /// <summary>Observes a model over samples.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="samples">Enumerated once for each run over the data.</param>
    /// <param name="feedback">Output name → input name, from one step of a sample to the next.</param>
    /// <param name="observers">What to gather. Each value an observer wants comes to it in the order of the samples; values of one step come in no particular order.</param>
    /// <param name="settings">How to run.</param>
    /// <param name="progress">Told after every sample.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="RuntimeException">ONNX Runtime cannot load or run the model on this data.</exception>
    public static ObservationReport Observe(Model model, IEnumerable<Sample> samples, IReadOnlyDictionary<string, string> feedback, IReadOnlyCollection<ValueObserver> observers,
        ObserverSettings? settings = null, IProgress<ObservationProgress>? progress = null, CancellationToken cancellation = default) =>
        new Observation(model, samples, feedback, observers, settings ?? new(), progress, cancellation).Run();
}
