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

    [Fact]
    public void Strings_are_compared_by_equality_and_what_is_no_tensor_is_left_out_by_name()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
        try
        {
            string path = Path.Combine(folder.FullName, "model.onnx");
            Model model = Build.Model([1], (g, x) => g.Apply("Neg", [x]));
            Value input = model.Graph.Inputs[0];
            model.Graph.AddOutput(Typed(model.Graph.AddNode("Cast", [input], ["text"], [new("to", (long)ElementType.String)]).Outputs[0]!, OnnxType.Of(ElementType.String, 1)));
            model.Graph.AddOutput(Typed(model.Graph.AddNode("SequenceConstruct", [input], ["list"]).Outputs[0]!, new OnnxType.Sequence(OnnxType.Of(ElementType.Float32, 1))));
            model.Save(path);
            EvaluatedModel found = Assert.Single(EvaluateJob.Run([path], path, new Numbers(), () => [new DifferenceMetric()], new()));
            Assert.Equal([new("equal strings of text", 1, true)], found.Strings);
            Assert.StartsWith("'list', sequence", Assert.Single(found.LeftOut), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        static Value Typed(Value value, OnnxType type)
        {
            value.Type = type;
            return value;
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
