using Tersor.Data.Metrics;

namespace Tersor.Samples;

#region metric
/// <summary>The largest difference between any output and the reference model's.</summary>
public sealed class WorstDifference : IMetric
{
    public string Name => "worst-difference";

    public bool HigherIsBetter => false;

    public bool NeedsReference => true;

    public double Value { get; private set; } = double.NaN;

    public void Add(Observation observation)
    {
        foreach ((var outputs, var reference) in observation.Outputs.Zip(observation.Reference!))
        {
            foreach ((string name, var tensor) in outputs)
            {
                double worst = tensor.ToFloats().Zip(reference[name].ToFloats(), (a, b) => Math.Abs((double)a - b)).DefaultIfEmpty().Max();
                Value = double.IsNaN(Value) ? worst : Math.Max(Value, worst);
            }
        }
    }
}
#endregion
