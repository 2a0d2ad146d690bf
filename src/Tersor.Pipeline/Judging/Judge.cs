using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Judging;

/// <summary>Judges changed models by a budget on held-out samples: by a metric where there are labels, and by how close every output is to the original's.</summary>
/// <remarks>As many samples are used as the decision needs, up to all. Where all of them cannot tell, closeness decides, and the verdict says so.</remarks>
/// <param name="budget">What may be lost.</param>
/// <param name="original">The model that others are compared with. Not modified.</param>
/// <param name="samples">Held-out samples, in an order that makes any first part of them representative.</param>
/// <param name="metric">Makes the metric; null where there are no labels.</param>
/// <param name="session">How to run.</param>
internal sealed class Judge(Budget budget, Model original, IDataSet samples, Func<IMetric>? metric, SessionSettings session) : IDisposable
{
    /// <summary>Samples of a first look, with labels and without; each further look takes twice as many.</summary>
    private const int FirstWithLabels = 64, FirstWithout = 16;

    /// <summary>Share of the drop allowed up to which a metric that cannot tell counts for a model rather than against it.</summary>
    private const double Safe = 0.5;

    /// <summary>How many times the drop allowed may have been measured where closeness is to decide.</summary>
    private const double Tolerable = 2;

    private readonly Budget limits = metric is null ? budget.WithoutLabels() : budget;
    private readonly (ReferenceRuns Runs, IReadOnlyList<ComparedOutput> Outputs) reference = Reference(original, budget, samples, metric, session);

    /// <summary>The metric's name; null where there are no labels.</summary>
    public string? MetricName { get; } = metric?.Invoke().Name;

    /// <summary>Whether a greater metric is better.</summary>
    public bool HigherIsBetter { get; } = metric?.Invoke().HigherIsBetter ?? true;

    /// <summary>Whether more samples may be looked at where those so far cannot tell. Default: always.</summary>
    public Func<bool> MayGoOn { get; init; } = () => true;

    /// <summary>Whether nothing was learned from any of the samples. Default: nothing was.</summary>
    public bool IsHeldOut { get; init; } = true;

    /// <summary>The limits that hold.</summary>
    public Budget Limits => limits;

    /// <summary>The original's metric over the samples of a first look; null where there are no labels.</summary>
    public double? OriginalMetric(CancellationToken cancellation)
    {
        if (metric is null)
            return null;
        int count = First;
        for (int i = 0; i < count; i++)
            reference.Runs.Of(i, samples.Read(i), cancellation);
        return reference.Runs.Metric(count);
    }

    /// <summary>A first look, on the same samples for all models: so that two can be compared.</summary>
    public Verdict Look(Model model, CancellationToken cancellation) => Of(model, more: false, cancellation);

    /// <summary>As many samples as it needs to say whether the model keeps within the budget.</summary>
    public Verdict Decide(Model model, CancellationToken cancellation) => Of(model, more: true, cancellation);

    public void Dispose() => reference.Runs.Dispose();

    private int First => Math.Min(metric is null ? FirstWithout : FirstWithLabels, samples.Count);

    private static (ReferenceRuns, IReadOnlyList<ComparedOutput>) Reference(Model original, Budget budget, IDataSet samples, Func<IMetric>? metric, SessionSettings session)
    {
        Model view = original.Clone();
        IReadOnlyList<ComparedOutput> outputs = ComparedOutput.Of(view, samples.Feedback, asClasses: budget.MinAgreement is not null);
        return (new(view, samples, metric, session), outputs);
    }

    private Verdict Of(Model model, bool more, CancellationToken cancellation)
    {
        Model view = model.Clone();
        IReadOnlyList<ComparedOutput> outputs = ComparedOutput.Of(view, samples.Feedback, asClasses: false);
        ClosenessCounter[] counters = [.. reference.Outputs.Select(o => new ClosenessCounter(o))];
        PairedMetric? paired = metric is null ? null : new(metric, HigherIsBetter);
        using ModelSession loaded = new(view, session);
        SampleRunner runner = new(loaded, samples.Feedback);
        int done = 0;
        for (int next = First; ; next = Math.Min(2 * next, samples.Count))
        {
            for (; done < next; done++)
            {
                cancellation.ThrowIfCancellationRequested();
                Sample sample = samples.Read(done);
                (IReadOnlyList<IReadOnlyDictionary<string, Tensor>> whole, double single) = reference.Runs.Of(done, sample, cancellation);
                IReadOnlyList<IReadOnlyDictionary<string, Tensor>> given = runner.Run(sample, null, cancellation);
                for (int i = 0; i < counters.Length; i++)
                    counters[i].Add(whole, given, outputs[i]);
                paired?.Add(new(sample, given, null), single);
            }
            Verdict verdict = Judged(done, paired?.Result(reference.Runs.Metric(done)), [.. counters.Select(c => c.Result())]);
            bool decided = !more || done >= samples.Count || verdict.Fit is Fit.Within or Fit.Beyond;
            if (decided || !MayGoOn())
            {
                reference.Runs.Unload(); // its answers are kept, and the next model may need no others
                return verdict with { IsHeldOut = IsHeldOut, Unseen = decided ? 0 : samples.Count - done };
            }
        }
    }

    private Verdict Judged(int count, MetricVerdict? measured, IReadOnlyList<OutputCloseness> outputs)
    {
        (Fit fit, string reason) = Closeness(LimitsOf, outputs);
        if (measured is not null)
        {
            (Fit byMetric, string because) = Metric(measured, outputs, count);
            if (byMetric >= fit)
                (fit, reason) = (byMetric, because);
        }
        return new(count, measured, outputs, fit, reason);
    }

    /// <summary>By the metric; where it cannot tell, by whether the outputs are as close as they have to be without labels, or by whether half of the drop allowed is not reached.</summary>
    private (Fit, string) Metric(MetricVerdict measured, IReadOnlyList<OutputCloseness> outputs, int count)
    {
        string drop = $"{MetricName} falls by {measured.Drop.Value:0.0000} ({(double.IsFinite(measured.Drop.HalfWidth) ? $"{measured.Drop.Low:0.0000} to {measured.Drop.High:0.0000}" : "too few samples for an interval")})";
        if (measured.Drop.High <= limits.MaxDrop)
            return (Fit.Within, drop);
        bool close = Closeness((_, _) => Budget.Usual, outputs).Fit is Fit.Within or Fit.Likely;
        if (double.IsNaN(measured.Original)) // as the area under a curve of samples of one class
            return (close ? Fit.Likely : Fit.Doubtful, $"{MetricName} has no value on these samples");
        if (measured.Drop.Low > limits.MaxDrop || double.IsNaN(measured.Value))
            return (Fit.Beyond, drop);
        // Closeness speaks for a model whose figure is bad luck, not for one that lost twice what is allowed and more than one answer.
        bool tolerable = measured.Drop.Value <= Tolerable * limits.MaxDrop + 1.0 / count;
        bool likely = measured.Drop.Value <= (close ? 1 : Safe) * limits.MaxDrop;
        return (likely ? Fit.Likely : close && tolerable ? Fit.Tolerable : Fit.Doubtful, drop);
    }

    /// <summary>What limits an output. A limit that is given holds for every output, and takes the place of the usual ones where it can judge: what neither it nor the metric looks at keeps those.</summary>
    private Budget LimitsOf(int index, OutputCloseness output)
    {
        ComparedOutput compared = reference.Outputs[index];
        bool byLimits = output.IsNumeric && (budget.MinCosine ?? budget.MinSqnr) is not null || budget.MinAgreement is not null && output.Agreement is not null && (!compared.IsAssumed || reference.Outputs.Count(o => !o.IsState) == 1);
        return byLimits || compared.IsState && metric is not null || reference.Runs.Measured.Contains(compared.Name) ? budget : budget.Completed();
    }

    /// <summary>By the limits on closeness; the output that speaks most against the model decides.</summary>
    private static (Fit Fit, string Reason) Closeness(Func<int, OutputCloseness, Budget> limitsOf, IReadOnlyList<OutputCloseness> outputs)
    {
        (Fit Fit, string Reason) worst = (Fit.Within, "");
        for (int i = 0; i < outputs.Count; i++)
        {
            OutputCloseness output = outputs[i];
            Budget limits = limitsOf(i, output);
            if (output.IsNumeric)
            {
                Check(output.Cosine, limits.MinCosine, "cosine", "0.0000", output);
                Check(output.Sqnr, limits.MinSqnr, "signal to noise", "0.0 dB", output);
            }
            if (output.Agreement is { } agreement)
                Check(agreement, limits.MinAgreement, "top-1 agreement", "0.0000", output);
        }
        return worst;

        void Check(Interval figure, double? limit, string name, string format, OutputCloseness output)
        {
            if (limit is not { } least)
                return;
            Fit fit = figure.Low >= least ? Fit.Within : figure.High < least ? Fit.Beyond : figure.Value >= least ? Fit.Likely : Fit.Doubtful;
            if (fit > worst.Fit || worst.Reason.Length == 0)
                worst = (fit, $"{name} of '{output.Output}' is {figure.Value.ToString(format, System.Globalization.CultureInfo.InvariantCulture)}, {least.ToString(format, System.Globalization.CultureInfo.InvariantCulture)} at least is asked for");
        }
    }
}
