namespace Tersor.Pipeline.Judging;

/// <summary>What a compressed model may lose. Immutable; change it with <c>with</c>.</summary>
/// <remarks>It is about the whole result: whatever is in the file is judged together, and what does not fit is not written. Limits that are given all hold, beside each other.</remarks>
public sealed record Budget
{
    /// <summary>Least mean cosine of every output where there are no labels and no limit is given: about what users of embeddings, detectors and regressions accept.</summary>
    public const double UsualCosine = 0.99;

    /// <summary>Least share of samples with the same best class, where outputs are classes; as <see cref="UsualCosine"/>.</summary>
    public const double UsualAgreement = 0.99;

    /// <summary>Least signal to noise in dB where that is asked for without a number: about as close as a cosine of 0.995.</summary>
    public const double UsualSqnr = 20;

    /// <summary>How much of the metric may be lost (0.01: one point of accuracy). Where there are no labels it is not looked at. Default 0.01.</summary>
    public double MaxDrop { get; init; } = 0.01;

    /// <summary>Least mean cosine between every output and the original's, -1..1; null: no limit. Default null.</summary>
    public double? MinCosine { get; init; }

    /// <summary>Least signal to noise of every output, dB; null: no limit. Default null.</summary>
    public double? MinSqnr { get; init; }

    /// <summary>Least share of answers in which the best class is the original's, 0..1, for outputs that are classes; null: no limit. Default null.</summary>
    public double? MinAgreement { get; init; }

    /// <summary>Whether closeness to the original is limited.</summary>
    public bool LimitsCloseness => MinCosine is not null || MinSqnr is not null || MinAgreement is not null;

    /// <summary>What holds where there are no labels: the limits given, or the usual ones.</summary>
    public Budget WithoutLabels() => LimitsCloseness ? this : Usual;

    /// <summary>What holds for an output that nothing else judges: the usual limits beside those that are given.</summary>
    public Budget Completed() => this with { MinCosine = MinCosine ?? UsualCosine, MinAgreement = MinAgreement ?? UsualAgreement };

    /// <summary>The usual limits on closeness.</summary>
    public static Budget Usual { get; } = new Budget().Completed();

    /// <summary>The budget with a limit on a metric that compares with the original model, the usual one where none is given.</summary>
    /// <param name="metric">Name of the metric: cosine, sqnr or top-1-agreement.</param>
    /// <returns>Null for a metric that has no limit.</returns>
    public Budget? Limiting(string metric) => metric switch
    {
        "cosine" => this with { MinCosine = MinCosine ?? UsualCosine },
        "sqnr" => this with { MinSqnr = MinSqnr ?? UsualSqnr },
        "top-1-agreement" => this with { MinAgreement = MinAgreement ?? UsualAgreement },
        _ => null,
    };

    /// <summary>Every broken rule, in words; empty when the budget is usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (!(MaxDrop is >= 0 and <= 1))
            yield return $"{nameof(MaxDrop)} is {MaxDrop}; expected 0..1.";
        if (MinCosine is { } cosine && !(cosine is >= -1 and <= 1))
            yield return $"{nameof(MinCosine)} is {cosine}; expected -1..1.";
        if (MinSqnr is { } sqnr && !double.IsFinite(sqnr))
            yield return $"{nameof(MinSqnr)} is {sqnr}; expected a number of dB.";
        if (MinAgreement is { } agreement && !(agreement is >= 0 and <= 1))
            yield return $"{nameof(MinAgreement)} is {agreement}; expected 0..1.";
    }
}
