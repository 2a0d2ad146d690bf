using System.Text;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

public sealed class PreparedModelTests
{
    /// <summary>Two convolutions in each branch of an If, whose values have equal names; those for negative samples are a thousand times as large.</summary>
    private static Model Branches()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 16, 8, 8));
        Value positive = model.Graph.Apply("Greater", [model.Graph.Apply("ReduceMean", [x], ("keepdims", 0L)), model.Graph.AddInitializer("zero", Tensor.Scalar(0f))]);
        Graph taken = model.Graph.NewBody("taken"), other = model.Graph.NewBody("other");
        Node branch = model.Graph.AddNode("If", [positive], ["y"], [new("then_branch", taken), new("else_branch", other)]);
        foreach (Graph body in branch.Bodies)
        {
            Value scaled = body.Apply("Mul", [x, body.AddInitializer("factor", Tensor.Scalar(body == taken ? 1f : 1000f))]), made = body.Conv(body.Apply("Relu", [body.Conv(scaled, 1, 16, 64)]), 2, 64, 64);
            made.Type = new OnnxType.Tensor(ElementType.Float32, null);
            body.AddOutput(made);
            int number = 0;
            foreach (Value value in body.Initializers.Concat(body.Nodes.SelectMany(n => n.Outputs).OfType<Value>()).ToArray())
                value.Rename($"in_{(body == taken ? "then" : "else")}_{number++}");
        }
        branch.Outputs[0]!.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(branch.Outputs[0]!);
        // A model made here has no two values of one name; a file may.
        using MemoryStream file = new(Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(model.ToBytes()).Replace("in_else_", "in_then_", StringComparison.Ordinal)));
        return Model.Load(file);
    }

    private static IEnumerable<string> Names(Model model) =>
        model.Graph.WithNested().SelectMany(g => g.Inputs.Concat(g.Initializers).Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>()).Distinct()).Select(v => v.Name);

    [Fact]
    public void Values_of_two_branches_have_names_of_their_own()
    {
        Assert.Equal(9, Names(Branches()).GroupBy(n => n).Count(g => g.Count() == 2));
        Model prepared = PreparedModel.Of(Branches(), 13);
        Assert.Equal(Names(prepared).Distinct().Count(), Names(prepared).Count());
        Assert.Equal(["x", "y"], prepared.Graph.Inputs.Concat(prepared.Graph.Outputs).Select(v => v.Name));
    }

    [Fact]
    public void Branches_that_name_their_values_alike_are_quantized_with_ranges_of_their_own()
    {
        Model model = Branches();
        IDataSet data = new Signs();
        EngineRules rules = EngineRules.X64Vnni;
        CancellationToken stop = TestContext.Current.CancellationToken;
        CalibratedModel calibrated = CalibratedModel.Uncalibrated(PreparedModel.Of(model, rules.Format.RequiredOpset), data.Read(0), data.Feedback, rules, _ => null, stop).Calibrate(data, threads: 1, null, stop);
        Model quantized = calibrated.Build(calibrated.Everything, new() { Ranges = RangeSelection.By(RangeSelection.Default, calibrated), Format = rules.Format }, out _);
        Assert.Equal(4, quantized.AllNodes().Count(n => n.Is("Conv") && n.Inputs[1]!.Producer?.Is("DequantizeLinear") == true));
        using ModelSession session = new(quantized), original = new(model);
        for (int sample = 0; sample < 2; sample++)
        {
            float[] given = session.Run(data.Read(sample).Steps[0])["y"].ToFloats(), expected = original.Run(data.Read(sample).Steps[0])["y"].ToFloats();
            Assert.True(given.Zip(expected).Sum(p => Math.Pow(p.First - p.Second, 2)) < 0.01 * expected.Sum(v => Math.Pow(v, 2)), $"sample {sample}"); // 20 dB, either branch
        }
    }

    /// <summary>Positive and negative samples in turns.</summary>
    private sealed class Signs : IDataSet
    {
        public string Name => "signs";

        public int Count => 16;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index) =>
            new($"{index}", [new Dictionary<string, Tensor> { ["x"] = Tensor.Create([1, 16, 8, 8], Array.ConvertAll(Build.Normal(index, 1, 1, 16, 8, 8).ToFloats(), v => index % 2 == 0 ? Math.Abs(v) : -Math.Abs(v))) }], new Dictionary<string, Tensor>());
    }
}
