using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>How <see cref="Observer"/> runs. Immutable; change it with <c>with</c>.</summary>
public sealed record ObserverSettings
{
    /// <summary>How the engine loads and runs the instrumented model.</summary>
    public SessionSettings Session { get; init; } = new();

    /// <summary>Bytes of observed values that may be alive at once. Where all wanted values together exceed it, the data is run several times, for some of them each. Default 256 MB.</summary>
    public long ActivationBudget { get; init; } = 256L << 20;
}

/// <summary>How far an observation has come.</summary>
/// <param name="Samples">Samples done in this run over the data.</param>
/// <param name="Run">Which run over the data, from 1.</param>
/// <param name="Runs">How many runs there are, as known so far.</param>
public sealed record ObservationProgress(int Samples, int Run, int Runs);

/// <summary>What an observation did.</summary>
/// <param name="Samples">Samples in the data.</param>
/// <param name="Runs">Runs over the data that were needed.</param>
/// <param name="PeakBytes">Most bytes of observed values alive at once.</param>
/// <param name="NotObservable">Values that could not be observed, with the reason.</param>
/// <param name="NeverTaken">Values that were never computed: they stand in branches no sample took.</param>
public sealed record ObservationReport(int Samples, int Runs, long PeakBytes, IReadOnlyDictionary<Value, string> NotObservable, IReadOnlyCollection<Value> NeverTaken);
