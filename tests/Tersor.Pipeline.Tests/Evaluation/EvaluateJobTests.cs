using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Evaluation;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Evaluation;

public sealed class EvaluateJobTests
{
    [Fact]
    public void Every_metric_of_every_model_sees_every_sample_with_the_outputs_of_both_models()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
        try
        {
            string once = Save(folder, "once", 1), twice = Save(folder, "twice", 2);
            IReadOnlyList<EvaluatedModel> found = EvaluateJob.Run([once, twice], once, new Numbers(), () => [new DifferenceMetric()], new());
            Assert.Equal([(once, 0.0), (twice, 0.0 + 1 + 2 + 3 + 4)], found.Select(m => (m.Model, m.Values.Single().Value)));
            DataException error = Assert.Throws<DataException>(() => EvaluateJob.Run([once], null, new Numbers(), () => [new DifferenceMetric()], new()));
            Assert.Contains("'difference'", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Save(DirectoryInfo folder, string name, float factor)
    {
        string path = Path.Combine(folder.FullName, name + ".onnx");
        Build.Model([1], (g, x) => g.Apply("Mul", [x, g.AddInitializer("c", Tensor.Scalar(factor))])).Save(path);
        return path;
    }

    private sealed class Numbers : IDataSet
    {
        public string Name => "numbers";

        public int Count => 5;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index) => new($"{index}", [new Dictionary<string, Tensor> { ["x"] = Tensor.Vector((float)index) }], new Dictionary<string, Tensor>());
    }

    /// <summary>Summed difference to the reference.</summary>
    private sealed class DifferenceMetric : IMetric
    {
        public string Name => "difference";

        public bool HigherIsBetter => false;

        public bool NeedsReference => true;

        public double Value { get; private set; }

        public void Add(Observation observation) => Value += observation.Outputs[0]["y"].ToFloats()[0] - observation.Reference![0]["y"].ToFloats()[0];
    }
}
