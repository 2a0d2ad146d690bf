namespace Tersor.Compression.Training;

/// <summary>How the learning rate changes while training: a closed family. Each gives a share of the peak rate, 0..1.</summary>
public abstract record LearningRateSchedule
{
    private LearningRateSchedule()
    {
    }

    /// <summary>Always the peak rate.</summary>
    public sealed record Constant : LearningRateSchedule
    {
        /// <inheritdoc/>
        protected override double Of(double done) => 1;
    }

    /// <summary>Falls by a factor at equal distances.</summary>
    /// <param name="Steps">How often it falls. Default 2.</param>
    /// <param name="Factor">What it is multiplied by each time, 0..1. Default 0.1.</param>
    public sealed record Step(int Steps = 2, double Factor = 0.1) : LearningRateSchedule
    {
        /// <inheritdoc/>
        protected override double Of(double done) => Math.Pow(Factor, Math.Min(Steps, Math.Floor(done * (Steps + 1))));
    }

    /// <summary>Half a cosine from the peak to the end.</summary>
    /// <param name="End">Share of the peak that is left at the end, 0..1. Default 0.</param>
    /// <remarks>Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts.</remarks>
    public sealed record Cosine(double End = 0) : LearningRateSchedule
    {
        /// <inheritdoc/>
        protected override double Of(double done) => Between(1, End, done);
    }

    /// <summary>Up to the peak and down again, both along half a cosine.</summary>
    /// <param name="Rise">Share of the steps it rises in, 0..1. Default 0.3.</param>
    /// <param name="StartDivisor">It starts at the peak divided by this. Default 25.</param>
    /// <param name="EndDivisor">It ends at the start divided by this. Default 10,000.</param>
    /// <remarks>Source: Smith and Topin 2018, arXiv:1708.07120, section 3; momentum moves against the rate: Smith 2018, arXiv:1803.09820, section 4.2.</remarks>
    public sealed record OneCycle(double Rise = 0.3, double StartDivisor = 25, double EndDivisor = 10_000) : LearningRateSchedule
    {
        private const double LeastMomentum = 0.85, MostMomentum = 0.95;

        /// <summary>Whether momentum, or the first beta of Adam, falls from 0.95 to 0.85 while the rate rises, and rises while it falls. Default true; false: it is the optimizer's own.</summary>
        public bool MovesMomentum { get; init; } = true;

        /// <inheritdoc/>
        protected override double Of(double done) => done < Rise ? Between(1 / StartDivisor, 1, done / Rise)
            : Between(1, 1 / StartDivisor / EndDivisor, Rise < 1 ? (done - Rise) / (1 - Rise) : 1);

        /// <inheritdoc/>
        protected override double? MomentumOf(double done) => !MovesMomentum ? null
            : done < Rise ? Between(MostMomentum, LeastMomentum, done / Rise)
            : Between(LeastMomentum, MostMomentum, Rise < 1 ? (done - Rise) / (1 - Rise) : 1);
    }

    /// <summary>Steps in which the rate first rises in a straight line from 0. Default 0.</summary>
    public int WarmUp { get; init; }

    /// <summary>Every broken rule, in words; empty when it is usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (WarmUp < 0)
            yield return $"{nameof(WarmUp)} is {WarmUp}; expected 0 or more.";
        if (this is OneCycle { Rise: not (>= 0 and <= 1) } rising)
            yield return $"{nameof(OneCycle.Rise)} is {rising.Rise}; expected 0..1.";
        if (this is OneCycle { StartDivisor: not >= 1 } or OneCycle { EndDivisor: not >= 1 })
            yield return "A divisor of the learning rate is below 1; expected 1 or more.";
        if (this is Step { Steps: < 0 } or Step { Factor: not (> 0 and <= 1) })
            yield return "The learning rate falls by a factor above 0 and at most 1, 0 times or more.";
        if (this is Cosine { End: not (>= 0 and <= 1) } falling)
            yield return $"{nameof(Cosine.End)} is {falling.End}; expected 0..1.";
    }

    /// <summary>Share of the peak rate at a step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="total">How many steps there are.</param>
    public double At(long step, long total) => step < WarmUp ? (step + 1.0) / (WarmUp + 1) : Of(Done(step, total));

    /// <summary>Momentum, or the first beta of Adam, at a step, 0..1; null: the optimizer's own.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="total">How many steps there are.</param>
    public double? MomentumAt(long step, long total) => MomentumOf(Done(step, total));

    /// <summary>Share of the peak rate when a share of the steps is done.</summary>
    protected abstract double Of(double done);

    /// <summary>Momentum when a share of the steps is done; null: the optimizer's own.</summary>
    protected virtual double? MomentumOf(double done) => null;

    private double Done(long step, long total) => Math.Clamp((step - WarmUp) / (double)Math.Max(total - WarmUp - 1, 1), 0, 1);

    private static double Between(double from, double to, double done) => to + (from - to) * (1 + Math.Cos(Math.PI * done)) / 2;
}
