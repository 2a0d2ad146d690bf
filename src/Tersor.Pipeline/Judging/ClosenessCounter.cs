using Tersor.Onnx;

namespace Tersor.Pipeline.Judging;

/// <summary>Adds up how close one output is to the original's, sample by sample.</summary>
/// <param name="output">What is compared.</param>
internal sealed class ClosenessCounter(ComparedOutput output)
{
    private readonly RunningMean cosine = new(), noise = new(), disagreement = new();
    private double worstCosine = 1, worstNoise;
    private bool oneAnswer = true;

    /// <summary>Takes one sample into account: the steps of both models.</summary>
    public void Add(IReadOnlyList<IReadOnlyDictionary<string, Tensor>> reference, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> given, ComparedOutput other)
    {
        Sums values = default, logits = default;
        long answers = 0, others = 0;
        for (int step = 0; step < reference.Count; step++)
        {
            Tensor whole = reference[step][output.Name], changed = given[step][other.Name];
            values = values.And(whole, changed);
            logits = output.Logits == output.Name ? values : logits.And(reference[step][output.Logits], given[step][other.Logits]);
            if (output.Classes is { } classes)
            {
                (long same, long count) = classes.Agreement(whole, changed);
                (answers, others) = (answers + count, others + count - same);
            }
        }
        Take(values.Cosine, logits.Noise);
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
        return new(output.Name, cosine.Interval(), worstCosine, new(Decibel(ratio.Value), Decibel(ratio.High), Decibel(Math.Max(ratio.Low, 0))), Decibel(worstNoise),
            changed is null ? null : new(1 - changed.Value, 1 - changed.High, Math.Min(1 - changed.Low, 1)));
    }

    private void Take(double angle, double ratio)
    {
        cosine.Add(angle);
        noise.Add(ratio);
        (worstCosine, worstNoise) = (Math.Min(worstCosine, angle), Math.Max(worstNoise, ratio));
    }

    /// <summary>Signal to noise in dB; ∞ where nothing differs.</summary>
    private static double Decibel(double ratio) => -10 * Math.Log10(ratio);

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
        public double Noise => Difference == 0 ? 0 : double.IsFinite(Difference) ? Difference / Math.Max(Reference, double.Epsilon) : double.PositiveInfinity;

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
                if (!double.IsFinite(y) && y.Equals(approximation)) // -∞ masks, and what both cannot compute
                    continue;
                product += y * approximation;
                reference2 += y * y;
                given2 += approximation * approximation;
                difference += (y - approximation) * (y - approximation);
            }
            return new(product, reference2, given2, difference);
        }
    }
}
