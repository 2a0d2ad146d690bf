using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>Share of rows where the highest score of output and reference is the same class.</summary>
internal sealed class AgreementMetric(string? output) : IMetric
{
    private long same, total;

    public string Name => "top-1-agreement";

    public bool HigherIsBetter => true;

    public bool NeedsReference => true;

    public double Value => total == 0 ? double.NaN : (double)same / total;

    public void Add(Observation observation)
    {
        foreach ((Tensor actual, Tensor expected) in Observations.Select(observation.Outputs, output).Zip(Observations.Select(Observations.Reference(observation), output)))
        {
            if (!actual.Shape.AsSpan().SequenceEqual(expected.Shape.AsSpan()))
                throw new DataException($"Sample '{observation.Sample.Name}': output is {actual}, the reference's {expected}.");
            foreach ((float[] left, float[] right) in Observations.RowsOf(actual).Zip(Observations.RowsOf(expected)))
            {
                same += Observations.ArgMax(left) == Observations.ArgMax(right) ? 1 : 0;
                total++;
            }
        }
    }
}
