using Tersor.Compression;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>Chooses among models that were judged and timed. Measures nothing itself.</summary>
/// <param name="settings">Limits of size and speed.</param>
internal sealed class TrialChoice(QuantizeSettings settings)
{
    /// <summary>Trials this much slower than the fastest that keeps within the budget are preferred where they are more accurate: nobody trades half a budget of accuracy for a few percent of speed.</summary>
    private const double Indifference = 1.05;

    /// <summary>How much slower than the fastest a trial may be that is preferred because it loses no more than allowed on the samples there are, where the fastest does and only closeness speaks for it.</summary>
    private const double ForCertainty = 1.25;

    // Of two that are as accurate, the smaller one: a form that only stores weights small is as fast as the float model.
    private static readonly Comparer<Trial> Better = Comparer<Trial>.Create((left, right) => VerdictOrder.BestFirst.Compare(left.Verdict, right.Verdict) is var order && order != 0 ? order : left.Bytes.CompareTo(right.Bytes));

    /// <summary>The fastest that keeps within the budget; of those that are nearly as fast, the most accurate. Null where none keeps within it, or all that do are slower than the original.</summary>
    /// <exception cref="CompressionException">None is as small as it has to be.</exception>
    public Trial? Choose(IReadOnlyList<Trial> trials)
    {
        Trial[] affordable = [.. trials.Where(t => settings.MaxBytes is not { } most || t.Bytes <= most)];
        if (affordable.Length == 0 && trials.Count > 0)
            throw new CompressionException($"The smallest candidate has {Plural.Of(trials.Min(t => t.Bytes), "byte")} of weights; at most {settings.MaxBytes} are allowed (--max-size).") { Pass = "quantize" };
        Trial[] good = [.. affordable.Where(t => t.Verdict.Fits && (!settings.RequireSpeed || t.SpeedUp is not { High: < 1 }))];
        if (settings.MinSpeedUp is { } least && good.Any(t => t.SpeedUp?.Low >= least))
            good = [.. good.Where(t => t.SpeedUp?.Low >= least)];
        if (good.Length == 0)
            return null;
        double best = good.Max(Speed);
        Trial[] surer = [.. good.Where(t => t.Verdict.Fit < Fit.Tolerable)];
        if (surer.Length > 0 && surer.Max(Speed) * ForCertainty >= best)
            (good, best) = (surer, surer.Max(Speed));
        return good.Where(t => Speed(t) * Indifference >= best).MinBy(t => t, Better);
    }

    private static double Speed(Trial trial) => trial.SpeedUp?.Median ?? 0;
}
