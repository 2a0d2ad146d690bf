using Tersor.Onnx;

namespace Tersor.Pipeline.Judging;

/// <summary>Adds up how close one output is to the original's, sample by sample.</summary>
/// <param name="output">What is compared.</param>
internal sealed class ClosenessCounter(ComparedOutput output)
{
    private readonly RunningMean cosine = new(), noise = new(), disagreement = new();
    private readonly OneNumber numbers = new(), logits = new();
    private double worstCosine = 1, worstNoise;
    private bool oneAnswer = true, isNumeric;

    /// <summary>Takes one sample into account: the steps of both models.</summary>
    public void Add(IReadOnlyList<IReadOnlyDictionary<string, Tensor>> reference, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> given, ComparedOutput other)
    {
        Sums values = default, inFront = default;
        long answers = 0, others = 0;
        for (int step = 0; step < reference.Count; step++)
        {
            Tensor whole = reference[step][output.Name], changed = given[step][other.Name];
            isNumeric |= ComparedOutput.IsNumeric(whole);
            values = values.And(whole, changed);
            inFront = output.Logits == output.Name ? values : inFront.And(reference[step][output.Logits], given[step][other.Logits]);
            if (output.Classes is { } classes)
            {
                (long same, long count) = classes.Agreement(whole, changed);
                (answers, others) = (answers + count, others + count - same);
            }
        }
        Take(values.Cosine, inFront.Noise);
        numbers.Add(values, reference.Sum(s => s[output.Name].Length) == 1);
        logits.Add(inFront, one: true);
        if (answers > 0)
        {
            oneAnswer &= answers == 1;
            disagreement.Add((double)others / answers);
        }
    }

    /// <summary>The closeness over all samples so far.</summary>
    public OutputCloseness Result()
    {
        Interval ratio = noise.Interval();
        // 100 answers in one sample are less than 100 samples, and more than one.
        Interval? changed = disagreement.Count == 0 ? null : disagreement.OfChanges(disagreement.Mean, oneAnswer ? 1 : 0);
        Interval? agreement = changed is null ? null : new(1 - changed.Value, Math.Max(1 - changed.High, 0), Math.Min(1 - changed.Low, 1));
        if (numbers.IsOne)
            return numbers.Result(output.Name, logits, agreement) with { IsNumeric = isNumeric };
        Interval angle = cosine.Interval();
        return new(output.Name, angle with { High = Math.Min(angle.High, 1) }, worstCosine, Decibels(ratio), Decibel(worstNoise), agreement) { IsNumeric = isNumeric };
    }

    private void Take(double angle, double ratio)
    {
        cosine.Add(angle);
        noise.Add(ratio);
        (worstCosine, worstNoise) = (Math.Min(worstCosine, angle), Math.Max(worstNoise, ratio));
    }

    private static Interval Decibels(Interval ratio) => new(Decibel(ratio.Value), Decibel(ratio.High), Decibel(Math.Max(ratio.Low, 0)));

    /// <summary>Signal to noise in dB; ∞ where nothing differs.</summary>
    private static double Decibel(double ratio) => -10 * Math.Log10(ratio);

    /// <summary>Energy of a difference over that of the signal: bounded where a signal is zero, infinite where what was made is no number.</summary>
    private static double Ratio(double difference, double signal) =>
        difference == 0 ? 0 : double.IsFinite(difference) ? Math.Min(difference / Math.Max(signal, double.Epsilon), OutputNoise.Unlike) : double.PositiveInfinity;

    /// <summary>Sums over the elements of an output and of what it should be.</summary>
    private readonly record struct Sums(double Product, double Reference, double Given, double Difference)
    {
        /// <summary>1 when both are zero, 0 when one is or holds what is not a number.</summary>
        public double Cosine
        {
            get
            {
                double norms = Math.Sqrt(Reference) * Math.Sqrt(Given), cosine = norms > 0 ? Product / norms : Reference == Given ? 1 : 0;
                return double.IsNaN(cosine) ? 0 : cosine;
            }
        }

        /// <summary>Energy of the difference over energy of the signal.</summary>
        public double Noise => Ratio(Difference, Reference);

        /// <summary>With the elements of one more step. Outputs whose size depends on the data, such as a list of detections, may differ in length: what one of them lacks counts as zeros.</summary>
        public Sums And(Tensor reference, Tensor given)
        {
            if (!ComparedOutput.IsNumeric(reference) || !ComparedOutput.IsNumeric(given))
                return this;
            (double product, double reference2, double given2, double difference) = this;
            float[] wanted = reference.ToFloats(), made = given.ToFloats();
            for (int i = 0; i < Math.Max(wanted.Length, made.Length); i++)
            {
                double y = i < wanted.Length ? wanted[i] : 0, approximation = i < made.Length ? made[i] : 0;
                if (double.IsNaN(y) || !double.IsFinite(y) && y.Equals(approximation)) // what the original cannot compute, and -∞ masks
                    continue;
                product += y * approximation;
                reference2 += y * y;
                given2 += approximation * approximation;
                difference += double.IsNaN(approximation) ? double.PositiveInfinity : (y - approximation) * (y - approximation);
            }
            return new(product, reference2, given2, difference);
        }
    }

    /// <summary>An output of one number a sample: two such vectors have no angle, and one sample near zero no signal. The samples together are one vector.</summary>
    private sealed class OneNumber
    {
        private readonly RunningMean differences = new(), signals = new();
        private double worst;

        /// <summary>Whether all samples have one number.</summary>
        public bool IsOne { get; private set; } = true;

        public void Add(Sums sums, bool one)
        {
            IsOne &= one;
            differences.Add(sums.Difference);
            signals.Add(sums.Reference);
            worst = Math.Max(worst, sums.Difference);
        }

        /// <summary>For vectors of equal length, 1 - cosine is half of ‖y − ŷ‖² / ‖y‖²: that is what stands for it here.</summary>
        public OutputCloseness Result(string output, OneNumber logits, Interval? agreement)
        {
            Interval ratio = Noise();
            return new(output, new(Cosine(ratio.Value), Cosine(ratio.High), Cosine(ratio.Low)), Cosine(Worst), Decibels(logits.Noise()), Decibel(logits.Worst), agreement);

            static double Cosine(double ratio) => Math.Max(1 - ratio / 2, -1);
        }

        private double Worst => Ratio(worst, signals.Mean);

        private Interval Noise()
        {
            Interval difference = differences.Interval();
            return difference.Value == 0 ? new(0, 0, 0) : new(OverSignal(difference.Value), OverSignal(Math.Max(difference.Low, 0)), OverSignal(difference.High));

            double OverSignal(double energy) => Ratio(energy, signals.Mean);
        }
    }
}
