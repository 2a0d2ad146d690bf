namespace Tersor.Pipeline.Judging;

/// <summary>Whether a model keeps within a budget.</summary>
public enum Fit
{
    /// <summary>The whole interval does.</summary>
    Within,

    /// <summary>The samples cannot tell; what they say, and closeness, allow it.</summary>
    Likely,

    /// <summary>The samples cannot tell; what they say is a little beyond, as chance may have it, and closeness allows it.</summary>
    Tolerable,

    /// <summary>The samples cannot tell; what they say, or closeness, speaks against it.</summary>
    Doubtful,

    /// <summary>The whole interval does not.</summary>
    Beyond,
}

/// <summary>A metric of a changed model beside the original's, on the same samples.</summary>
/// <param name="Original">The original's metric.</param>
/// <param name="Value">The changed model's.</param>
/// <param name="Drop">How much is lost, negative where it is better. The interval is that of a paired comparison: only samples whose answer changed widen it.</param>
/// <param name="Changed">Samples whose answer changed.</param>
public sealed record MetricVerdict(double Original, double Value, Interval Drop, int Changed);

/// <summary>How close an output of a changed model is to the original's.</summary>
/// <param name="Output">The output's name.</param>
/// <param name="Cosine">Cosine of the angle between the two, each taken as one vector; mean over samples.</param>
/// <param name="WorstCosine">The least over the samples.</param>
/// <param name="Sqnr">Signal to noise in dB, of logits where the output ends in Softmax or Sigmoid, from the mean over samples of ‖y − ŷ‖² / ‖y‖².</param>
/// <param name="WorstSqnr">The least over the samples.</param>
/// <param name="Agreement">Share of answers with the same best class; null where the output is not known to be classes.</param>
public sealed record OutputCloseness(string Output, Interval Cosine, double WorstCosine, Interval Sqnr, double WorstSqnr, Interval? Agreement)
{
    /// <summary>Whether it holds measurements; integers, truth values and strings are answers, of which cosine and signal to noise say nothing.</summary>
    public bool IsNumeric { get; init; } = true;
}

/// <summary>How good a changed model is on held-out samples.</summary>
/// <param name="Samples">How many samples it was judged on.</param>
/// <param name="Metric">The metric; null where there are no labels.</param>
/// <param name="Outputs">Every output that holds numbers.</param>
/// <param name="Fit">Whether it keeps within the budget.</param>
/// <param name="Reason">What decided, in words.</param>
public sealed record Verdict(int Samples, MetricVerdict? Metric, IReadOnlyList<OutputCloseness> Outputs, Fit Fit, string Reason)
{
    /// <summary>Whether nothing was learned from any of the samples.</summary>
    public bool IsHeldOut { get; init; } = true;

    /// <summary>Samples that were not looked at, although they might have decided, because the time was over.</summary>
    public int Unseen { get; init; }

    /// <summary>Whether it may be written although the samples cannot tell whether it keeps within the budget.</summary>
    public bool IsUnsure => Fit is Fit.Likely or Fit.Tolerable;

    /// <summary>Whether it may be written.</summary>
    public bool Fits => Fit <= Fit.Tolerable;

    /// <summary>Signal to noise of the output that is least exact, dB: one output hides behind no other.</summary>
    public double Sqnr => Outputs.Select(o => o.Sqnr.Value).DefaultIfEmpty(double.PositiveInfinity).Min();

    /// <summary>The least over outputs and samples.</summary>
    public double WorstSqnr => Outputs.Select(o => o.WorstSqnr).DefaultIfEmpty(double.PositiveInfinity).Min();

    /// <summary>Mean cosine of the output that is least close.</summary>
    public double Cosine => Outputs.Select(o => o.Cosine.Value).DefaultIfEmpty(1).Min();

    /// <summary>Share of answers with the same best class, of the output where it is least; null where none is classes.</summary>
    public double? Agreement => Outputs.Min(o => o.Agreement?.Value);
}
