using Tersor.Data;

namespace Tersor.Pipeline.Quantization;

/// <summary>Which samples are learned from, and which judge what was learned.</summary>
/// <param name="Learning">What may be learned from; training sees all of it.</param>
/// <param name="Calibrating">The part of it that ranges are learned from.</param>
/// <param name="Held">Samples nothing is learned from.</param>
/// <param name="Judging">Samples results are judged on: those held out, unless they are too few for a metric.</param>
internal sealed record SampleSplit(IDataSet Learning, IDataSet Calibrating, IDataSet Held, IDataSet Judging)
{
    /// <summary>Whether nothing is learned from the samples that judge.</summary>
    public bool JudgesUnseen => ReferenceEquals(Judging, Held) && !ReferenceEquals(Held, Learning);

    /// <summary>Share held out at least, where no part of the data is for that.</summary>
    private const double LeastHeld = 0.2;

    /// <summary>Fewer samples than this cannot show a small drop of a metric.</summary>
    private const int LeastForMetric = 30;

    /// <summary>Splits by seed: data in files is often sorted by class, and a fixed stride can meet one class only.</summary>
    /// <param name="data">Calibration data.</param>
    /// <param name="selection">Held-out data; null or empty: whatever is not needed for calibration is held out, and a fifth at least.</param>
    /// <param name="settings">How many samples to use.</param>
    /// <param name="calibrationSamples">Calibration samples, at most.</param>
    /// <param name="labelled">Whether results are judged by a metric.</param>
    /// <param name="trains">Whether the samples to learn from are trained on too, so that there cannot be enough of them.</param>
    public static SampleSplit Of(IDataSet data, IDataSet? selection, QuantizeSettings settings, int calibrationSamples, bool labelled, bool trains)
    {
        int seed = settings.Seed, most = settings.SelectionSamples ?? int.MaxValue;
        if (selection is { Count: > 0 })
        {
            IDataSet given = selection.Take(most, seed);
            return new(data, data.Take(calibrationSamples, seed), given, given);
        }
        if (data.Count < 2)
            return new(data, data, data, data);
        double share = trains ? 1 - LeastHeld : Math.Min(1 - LeastHeld, (double)calibrationSamples / data.Count);
        int learned = Math.Clamp((int)Math.Round(share * data.Count), 1, data.Count - 1); // one sample of each at least
        (IDataSet learning, IDataSet held) = data.Split((double)learned / data.Count, seed);
        held = held.Take(most, seed);
        // That a metric is partly measured where ranges were learned does less harm than measuring it on a handful of samples; weights that were trained would give it away.
        return new(learning, learning.Take(calibrationSamples, seed), held, labelled && !trains && held.Count < LeastForMetric ? data.Take(most, seed) : held);
    }
}
