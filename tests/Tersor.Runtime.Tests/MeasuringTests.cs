using Tersor.Onnx;
using static Tersor.Runtime.Tests.TestModels;

namespace Tersor.Runtime.Tests;

public sealed class MeasuringTests
{
    [Fact]
    public void Shapes_follow_symbols_where_they_do_and_are_fixed_where_they_are()
    {
        Model model = new(17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, "n", 3, "w"));
        Value transposed = graph.AddNode("Transpose", [x], ["transposed"], [new("perm", new long[] { 2, 0, 1 })]).Outputs[0]!;
        Value doubled = graph.AddNode("Concat", [x, x], ["doubled"], [new("axis", 2L)]).Outputs[0]!;
        Value mean = graph.AddNode("ReduceMean", [transposed], ["mean"], [new("axes", new long[] { 0, 1 })]).Outputs[0]!;
        Give(graph, graph.AddNode("Add", [mean, graph.AddInitializer("c", Tensor.Scalar(1f))], ["y"]).Outputs[0]!);
        ObservedShapes shapes = ShapeObserver.Observe(model);
        Assert.Empty(shapes.Problems);
        Assert.Equal("Float32 [w,n,3]", shapes.Types[transposed].ToString());
        Assert.Equal("Float32 [n,3,?]", shapes.Types[doubled].ToString());
        Assert.Equal("Float32 [1,1,3]", shapes.Types[mean].ToString());
        Assert.Equal("Float32 [w,n,3]", new ShapeLookup(shapes)[transposed]!.ToString());
        Assert.Equal("Float32 [2]", new ShapeLookup(shapes, _ => OnnxType.Of(ElementType.Float32, 2))[doubled]!.ToString());
    }

    [Fact]
    public void Integers_are_not_made_up()
    {
        Model model = Growing(17);
        Assert.Contains("'count'", ShapeObserver.Observe(model).Problems[0]);
        ObservedShapes shapes = ShapeObserver.Observe(model, Sample(("count", Tensor.Scalar(3L)), ("x", Tensor.Vector(1f, 2f))));
        Assert.Equal("Float32 [2]", shapes.Types[Named(model, "next")].ToString());
        Assert.Equal("Float32 [?]", shapes.Types[Named(model, "grown")].ToString());
    }

    [Fact]
    public void A_profile_names_the_nodes_a_fused_one_stands_for()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 4, 8, 8));
        Value weight = model.Graph.AddInitializer("w", Tensor.Create([4, 4, 3, 3], Enumerable.Range(0, 144).Select(i => i / 100f).ToArray()));
        Value conv = model.Graph.AddNode("Conv", [x, weight], ["conv"]).Outputs[0]!;
        Give(model.Graph, model.Graph.AddNode("Relu", [conv], ["y"]).Outputs[0]!);
        Dictionary<string, Tensor> inputs = new() { ["x"] = Tensor.Create([1, 4, 8, 8], new float[256]) };
        ModelProfile fused = Profiler.Profile(model, inputs, 5, new() { Optimization = EngineOptimization.Extended }, n => n.Is("Conv") ? new(144 * 36, 144, 0) : null);
        NodeProfile node = Assert.Single(fused.Nodes);
        Assert.Equal(["Conv", "Relu"], node.Sources.Select(n => n.OpType));
        Assert.Equal(144, node.Cost!.Parameters);
        Assert.Contains("[1,4,6,6]", node.OutputShapes);
        ModelProfile plain = Profiler.Profile(model, inputs, 5, new() { Optimization = EngineOptimization.None });
        Assert.Equal(["Conv", "Relu"], plain.Nodes.Select(n => n.Sources.Single().OpType).Order());
        Assert.Equal(1, plain.Nodes.Sum(n => n.Share), 9);
    }

    [Theory] // widest k with P(X < k) <= 0.025 for X ~ Binomial(n, 1/2): published tables of the sign test
    [InlineData(6, 1)]
    [InlineData(10, 2)]
    [InlineData(20, 6)]
    [InlineData(50, 18)]
    public void The_median_interval_takes_the_order_statistics_of_the_sign_test(int n, int k)
    {
        MedianInterval interval = OrderStatistics.Median(Enumerable.Range(1, n).Select(i => (double)i).Reverse());
        Assert.Equal(((n + 1) / 2.0, k, n + 1 - k), (interval.Median, interval.Low, interval.High));
        Assert.True(double.IsNaN(OrderStatistics.Median([1, 2, 3, 4, 5]).Low));
    }

    [Fact]
    public void A_benchmark_measures_every_model_in_every_round_and_pairs_the_ratios()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
        try
        {
            string path = Path.Combine(folder.FullName, "m.onnx");
            Branches(16).Save(path);
            Dictionary<string, Tensor> inputs = new() { ["flag"] = Tensor.Scalar(true), ["x"] = Tensor.Vector(1f) };
            BenchmarkReport report = Benchmark.Run([new("a", path, RuntimeValue.All(inputs)), new("b", path, RuntimeValue.All(inputs))], new() { Rounds = 8, MinMeasurement = TimeSpan.FromMilliseconds(0.1) });
            Assert.Equal(8, report.Rounds);
            Assert.NotEmpty(report.Machine.Engine);
            Assert.All(report.Results, r => Assert.Equal(8, r.Latencies.Count));
            Assert.Equal(new(1, 1, 1), report.Results[0].SpeedUp);
            double[] ratios = [.. report.Results[0].Latencies.Zip(report.Results[1].Latencies, (a, b) => a / b).Order()];
            Assert.Equal((ratios[3] + ratios[4]) / 2, report.Results[1].SpeedUp.Median, 9);
            Assert.All(report.Results, r => Assert.True(r.PeakMemoryBytes > 0 && r.MemoryProblem is null));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    [InlineData(ElementType.Bool)]
    [InlineData(ElementType.UInt8)]
    [InlineData(ElementType.Int16)]
    [InlineData(ElementType.UInt64)]
    [InlineData(ElementType.Float64)]
    public void Every_element_type_passes_through_the_engine_byte_for_byte(ElementType type)
    {
        Model model = new(21, irVersion: 10);
        Value x = model.Graph.AddInput("x", OnnxType.Of(type, 3));
        Give(model.Graph, model.Graph.AddNode("Identity", [x], ["y"]).Outputs[0]!, OnnxType.Of(type, 3));
        byte[] bytes = new byte[type.ByteLength(3)];
        Array.Fill(bytes, (byte)1);
        Tensor tensor = Tensor.FromBytes(type, [3], bytes);
        using ModelSession session = new(model);
        Assert.True(session.Run(new Dictionary<string, Tensor> { ["x"] = tensor })["y"].ContentEquals(tensor));
        Assert.Equal(OnnxType.Of(type, 3), session.Inputs[0].Type);
    }

    [Fact]
    public void Types_the_interface_cannot_carry_are_refused_with_advice()
    {
        Model model = new(21, irVersion: 10);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 3));
        Value scale = model.Graph.AddInitializer("scale", Tensor.Scalar(1f)), zero = model.Graph.AddInitializer("zero", Tensor.FromPacked(ElementType.Int4, [], [0]));
        Give(model.Graph, model.Graph.AddNode("QuantizeLinear", [x, scale, zero], ["q"]).Outputs[0]!, OnnxType.Of(ElementType.Int4, 3));
        Assert.Contains("Cast", Assert.Throws<RuntimeException>(() => new ModelSession(model)).Message);
    }
}
