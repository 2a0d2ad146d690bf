namespace Tersor.Compression.Quantization.Ranges;

/// <summary>How the range of an activation is chosen from what was observed: a closed family.</summary>
public abstract record RangeEstimator
{
    private RangeEstimator()
    {
    }

    /// <summary>The smallest and the largest value seen.</summary>
    public sealed record MinMax : RangeEstimator
    {
        /// <inheritdoc/>
        public override (double Low, double High) Estimate(ValueDistribution observed) => (observed.Min, observed.Max);
    }

    /// <summary>The average of the ranges of single samples: least and greatest value of each, averaged over the calibration set.</summary>
    /// <remarks>Source: Krishnamoorthi 2018, arXiv:1806.08342, section 3.1.1; Jacob et al. 2018, arXiv:1712.05877, section 3.1.</remarks>
    public sealed record MovingAverage : RangeEstimator
    {
        /// <inheritdoc/>
        /// <exception cref="InvalidOperationException">Ranges of single samples were not observed.</exception>
        public override (double Low, double High) Estimate(ValueDistribution observed) =>
            observed.SampleAverage ?? throw new InvalidOperationException("The ranges of single samples were not observed; a moving average needs them.");
    }

    /// <summary>The range that leaves out equal shares of outliers at both ends.</summary>
    /// <param name="Percent">Share of values kept, in percent, above 50 and at most 100. Default 99.999.</param>
    public sealed record Percentile(double Percent = 99.999) : RangeEstimator
    {
        /// <inheritdoc/>
        public override (double Low, double High) Estimate(ValueDistribution observed)
        {
            double outside = (100 - Percent) / 100;
            return (observed.Quantile(outside), observed.Quantile(1 - outside));
        }
    }

    /// <summary>The range with the least mean squared error between values and their 8-bit stand-ins.</summary>
    /// <remarks>Rounding inside the range costs scale²/12 a value (exact zeros cost nothing), clipping outside costs the squared distance. Both ends are
    /// searched in turn over a grid of the observed range. Source: the trade-off of Banner et al. 2019, arXiv:1810.05723, section 3, on the measured distribution.</remarks>
    public sealed record MeanSquaredError : RangeEstimator
    {
        private const int Steps = 100;

        /// <inheritdoc/>
        public override (double Low, double High) Estimate(ValueDistribution observed)
        {
            double low = Math.Min(observed.Min, 0), high = Math.Max(observed.Max, 0);
            (double bestLow, double bestHigh) = (low, high);
            for (int round = 0; round < 3; round++)
            {
                (double oldLow, double oldHigh) = (bestLow, bestHigh);
                bestHigh = Enumerable.Range(1, Steps).Select(i => high * i / Steps).MinBy(h => Error(observed, bestLow, h));
                bestLow = Enumerable.Range(0, Steps + 1).Select(i => low * i / Steps).MinBy(l => Error(observed, l, bestHigh));
                if ((oldLow, oldHigh) == (bestLow, bestHigh))
                    break;
            }
            return (bestLow, bestHigh);
        }

        /// <summary>Expected squared error, summed over all values, of quantizing to 256 steps between the two ends.</summary>
        internal static double Error(ValueDistribution observed, double low, double high)
        {
            double scale = (high - low) / 255;
            if (scale <= 0)
                return double.PositiveInfinity;
            (double inside, double clipped) = observed.Split(low, high);
            return inside * scale * scale / 12 + clipped;
        }
    }

    /// <summary>The range whose 8-bit stand-ins keep the most of the values' distribution: least Kullback-Leibler divergence between the two.</summary>
    /// <remarks>
    /// As Migacz 2017, "8-bit inference with TensorRT" (GPU Technology Conference), slides 22-38: values beyond a threshold on the magnitude count at its end, and the bins that one integer
    /// stands for share their count evenly. Here the range is asymmetric (a threshold does not widen a side that has no such values), and exact zeros, which every range keeps, count for nothing.
    /// </remarks>
    public sealed record Entropy : RangeEstimator
    {
        private const int Steps = 100;

        /// <inheritdoc/>
        public override (double Low, double High) Estimate(ValueDistribution observed)
        {
            double low = Math.Min(observed.Min, 0), high = Math.Max(observed.Max, 0), largest = Math.Max(-low, high);
            // Integers finer than the bins would seem to keep everything.
            return Enumerable.Range(1, Steps).Select(i => largest * i / Steps).Select(t => (Low: Math.Max(low, -t), High: Math.Min(high, t)))
                .Where(r => (r.High - r.Low) / 255 >= 2 * observed.BinWidth).Reverse().Prepend((Low: low, High: high)).MinBy(r => observed.Divergence(r.Low, r.High));
        }
    }

    /// <summary>The range to represent; it need not hold zero yet.</summary>
    public abstract (double Low, double High) Estimate(ValueDistribution observed);
}
