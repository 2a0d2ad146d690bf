using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using static Tersor.Runtime.Tests.TestModels;

namespace Tersor.Runtime.Tests.Observation;

public sealed class ObserverTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1 << 30)]
    public void Strings_and_types_without_a_kernel_of_Size_are_observed(long budget)
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, "n"));
        Value small = model.Graph.AddNode("Cast", [x], ["small"], [new("to", (long)ElementType.BFloat16)]).Outputs[0]!;
        Value half = model.Graph.AddNode("Cast", [x], ["half"], [new("to", (long)ElementType.Float16)]).Outputs[0]!;
        Value text = model.Graph.AddNode("Cast", [x], ["text"], [new("to", (long)ElementType.String)]).Outputs[0]!;
        Give(model.Graph, model.Graph.AddNode("Cast", [small], ["y"], [new("to", (long)ElementType.Float32)]).Outputs[0]!);
        MinMaxObserver ranges = new([small, half, text]);
        SeenShapesObserver shapes = new([text]);
        ObservationReport report = Observer.Observe(model, [Sample(("x", Tensor.Vector(-1f, 2f)))], NoFeedback, [ranges, shapes], new() { ActivationBudget = budget });
        Assert.Empty(report.NotObservable);
        Assert.Equal((-1f, 2f), (ranges.Ranges[small].Min, ranges.Ranges[half].Max));
        Assert.Equal(float.PositiveInfinity, ranges.Ranges[text].Min); // no numbers, no range
        Assert.Equal(ElementType.String, shapes.Seen[text].ElementType);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(13)]
    [InlineData(16)]
    public void Values_inside_branches_are_seen_when_the_branch_is_taken(long opset)
    {
        Model model = Branches(opset);
        Recorder recorder = new(Named(model, "plus"), Named(model, "negative"), Named(model, "y"), Named(model, "x"), Named(model, "one"));
        Tensor x = Tensor.Vector(-3f, 2f);
        ObservationReport report = Observer.Observe(model, [Sample(("flag", Tensor.Scalar(true)), ("x", x)), Sample(("flag", Tensor.Scalar(false)), ("x", x)), Sample(("flag", Tensor.Scalar(false)), ("x", x))],
            NoFeedback, [recorder]);
        Assert.Empty(report.NotObservable);
        Assert.Empty(report.NeverTaken);
        Assert.Equal([[-2f, 3f]], recorder.Of("plus"));
        Assert.Equal([[3f, -2f], [3f, -2f]], recorder.Of("negative"));
        Assert.Equal([[0f, 3f], [3f, -2f], [3f, -2f]], recorder.Of("y"));
        Assert.Equal([[-3f, 2f], [-3f, 2f], [-3f, 2f]], recorder.Of("x"));
        Assert.Equal([[1f]], recorder.Of("one"));
        Assert.Equal(2, recorder.Missed.Count(name => name == "plus"));
        Assert.Equal(1, recorder.Missed.Count(name => name == "negative"));
        Assert.Equal([0, 1, 2], recorder.Seen.Where(s => s.Name == "y").Select(s => s.Sample));
    }

    [Fact]
    public void A_branch_no_sample_takes_is_reported()
    {
        Model model = Branches(16);
        Recorder recorder = new(Named(model, "negative"));
        ObservationReport report = Observer.Observe(model, [Sample(("flag", Tensor.Scalar(true)), ("x", Tensor.Vector(1f)))], NoFeedback, [recorder]);
        Assert.Equal(["negative"], report.NeverTaken.Select(v => v.Name));
        Assert.Empty(recorder.Seen);
    }

    [Theory]
    [InlineData(13)]
    [InlineData(17)]
    public void Values_inside_a_loop_come_once_an_iteration_even_when_their_shape_grows(long opset)
    {
        Model model = Growing(opset);
        Recorder recorder = new(Named(model, "next"), Named(model, "grown"), Named(model, "s"), Named(model, "all"), Named(model, "last"));
        ObservationReport report = Observer.Observe(model, [Sample(("count", Tensor.Scalar(3L)), ("x", Tensor.Vector(1f, 2f)))], NoFeedback, [recorder]);
        Assert.Empty(report.NotObservable);
        Assert.Equal([[1f, 2f], [2f, 4f], [3f, 6f]], recorder.Of("next"));
        Assert.Equal([[0f, 0f], [1f, 2f], [2f, 4f]], recorder.Of("s"));
        Assert.Equal([[0f], [0f, 0f], [0f, 0f, 0f]], recorder.Of("grown"));
        Assert.Equal([[1f, 2f, 2f, 4f, 3f, 6f]], recorder.Of("all"));
        Assert.Equal([[3f, 6f]], recorder.Of("last"));
    }

    [Fact]
    public void A_loop_inside_a_branch_inside_a_loop_is_seen()
    {
        Model model = Nested();
        Recorder recorder = new(Named(model, "deep"));
        ObservationReport report = Observer.Observe(model, [Sample(("x", Tensor.Vector(1f)))], NoFeedback, [recorder]);
        Assert.Empty(report.NotObservable);
        // Iterations 0 and 2 of the outer loop take the branch; the inner loop runs twice and doubles.
        Assert.Equal([[2f], [4f], [8f], [16f]], recorder.Of("deep"));
    }

    [Fact]
    public void Values_inside_a_scan_come_once_an_iteration()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 3, 2)), start = model.Graph.AddInitializer("start", Tensor.Vector(0f, 0f));
        Graph body = model.Graph.NewBody("body");
        Value sum = body.AddInput("sum", OnnxType.Of(ElementType.Float32, 2)), row = body.AddInput("row", OnnxType.Of(ElementType.Float32, 2));
        Value twice = body.AddNode("Add", [row, row], ["twice"]).Outputs[0]!;
        Give(body, body.AddNode("Add", [sum, twice], ["next"]).Outputs[0]!);
        Node scan = model.Graph.AddNode("Scan", [start, x], ["total"], [new("body", body), new("num_scan_inputs", 1L)]);
        Give(model.Graph, scan.Outputs[0]!);
        Recorder recorder = new(twice, row);
        ObservationReport report = Observer.Observe(model, [Sample(("x", Tensor.Create([3, 2], [1f, 2f, 3f, 4f, 5f, 6f])))], NoFeedback, [recorder]);
        Assert.Empty(report.NotObservable);
        Assert.Equal([[2f, 4f], [6f, 8f], [10f, 12f]], recorder.Of("twice"));
        Assert.Equal([[1f, 2f], [3f, 4f], [5f, 6f]], recorder.Of("row"));
    }

    [Fact]
    public void State_is_fed_back_from_step_to_step_and_reset_between_samples()
    {
        Model model = Accumulator();
        Recorder recorder = new(Named(model, "hn"));
        Sample sample = new("s", [new Dictionary<string, Tensor> { ["x"] = Tensor.Vector(1f), ["h"] = Tensor.Vector(0f) }, new Dictionary<string, Tensor> { ["x"] = Tensor.Vector(2f) }], NoLabels);
        Observer.Observe(model, [sample, sample], new Dictionary<string, string> { ["hn"] = "h" }, [recorder]);
        Assert.Equal([[1f], [3f], [1f], [3f]], recorder.Of("hn"));
        Assert.Equal([(0, 0), (0, 1), (1, 0), (1, 1)], recorder.Seen.Select(s => (s.Sample, s.Step)));
    }

    [Fact]
    public void A_small_budget_splits_the_values_over_runs_with_the_same_result()
    {
        Model model = Chain(length: 10);
        Value[] values = [.. model.Graph.Nodes.Select(n => n.Outputs[0]!)];
        Sample[] samples = [.. Enumerable.Range(1, 4).Select(i => Sample(("x", Tensor.Create([100 * i], Enumerable.Repeat((float)i, 100 * i).ToArray()))))];
        Recorder whole = new(values), parts = new(values);
        ObservationReport one = Observer.Observe(model, samples, NoFeedback, [whole]);
        ObservationReport many = Observer.Observe(model, samples, NoFeedback, [parts], new() { ActivationBudget = 2000 });
        Assert.Equal(1, one.Runs);
        Assert.Equal(16000, one.PeakBytes);
        Assert.True(many.Runs >= 5);
        Assert.True(many.PeakBytes <= 4000); // groups halve after the sample that exceeds the budget
        foreach (Value value in values)
            Assert.Equal(whole.Of(value.Name), parts.Of(value.Name));
    }

    [Fact]
    public void Outputs_keep_their_names_and_what_cannot_be_observed_is_reported_with_a_reason()
    {
        Model model = Branches(16);
        Value stranger = Branches(16).Graph.Outputs[0];
        Assert.Throws<ArgumentException>(() => Observer.Observe(model, [Sample(("flag", Tensor.Scalar(true)), ("x", Tensor.Vector(1f)))], NoFeedback, [new Recorder(stranger)]));

        Model sequences = new(17, irVersion: 8);
        Value x = sequences.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2));
        Value parts = sequences.Graph.AddNode("SplitToSequence", [x], ["parts"]).Outputs[0]!;
        Give(sequences.Graph, sequences.Graph.AddNode("ConcatFromSequence", [parts], ["y"], [new("axis", 0L)]).Outputs[0]!);
        ObservationReport report = Observer.Observe(sequences, [Sample(("x", Tensor.Vector(1f, 2f)))], NoFeedback, [new Recorder(parts)]);
        Assert.Contains("not a tensor but sequence", report.NotObservable[parts]);
    }

    [Fact]
    public void Real_branches_agree_with_the_outputs_they_feed()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("models", "vad_lstm.onnx"));
        Value[] inner = [.. model.AllGraphs().Where(g => !g.IsMain).SelectMany(g => g.Nodes).Where(n => !n.Is("Constant")).SelectMany(n => n.Outputs).OfType<Value>()];
        SeenShapesObserver shapes = new(inner);
        Random random = new(5);
        Sample sample = Sample(("input", Tensor.Create([1, 256], Enumerable.Range(0, 256).Select(_ => (float)random.NextDouble()).ToArray())), ("sr", Tensor.Scalar(8000L)),
            ("h", Tensor.Create([2, 1, 64], new float[128])), ("c", Tensor.Create([2, 1, 64], new float[128])));
        ObservationReport report = Observer.Observe(model, [sample], new Dictionary<string, string> { ["hn"] = "h", ["cn"] = "c" }, [shapes]);
        Assert.Empty(report.NotObservable);
        Assert.NotEmpty(report.NeverTaken);
        Assert.Contains(shapes.Seen, pair => pair.Key.Producer!.Is("LSTM") && pair.Value.Shapes[0][^1] == 64);
        Assert.Equal(inner.Length, shapes.Seen.Count + report.NeverTaken.Count);
    }

    private static Model Accumulator()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1)), h = model.Graph.AddInput("h", OnnxType.Of(ElementType.Float32, 1));
        Give(model.Graph, model.Graph.AddNode("Add", [x, h], ["hn"]).Outputs[0]!);
        return model;
    }

    private static Model Chain(int length)
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, "n"));
        for (int i = 0; i < length; i++)
            x = model.Graph.AddNode("Neg", [x], [$"v{i}"]).Outputs[0]!;
        Give(model.Graph, x);
        return model;
    }

    private static Model Nested()
    {
        Model model = new(17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1));
        Value three = graph.AddInitializer("three", Tensor.Scalar(3L)), two = graph.AddInitializer("two", Tensor.Scalar(2L)), zero = graph.AddInitializer("zero64", Tensor.Scalar(0L)), go = graph.AddInitializer("go", Tensor.Scalar(true));
        Graph outer = graph.NewBody("outer");
        Value i = outer.AddInput("i", OnnxType.Of(ElementType.Int64)), c = outer.AddInput("c", OnnxType.Of(ElementType.Bool)), s = outer.AddInput("s", OnnxType.Of(ElementType.Float32, 1));
        Value even = outer.AddNode("Equal", [outer.AddNode("Mod", [i, two], ["m"]).Outputs[0], zero], ["even"]).Outputs[0]!;
        Graph then = outer.NewBody("then"), otherwise = outer.NewBody("else");
        Graph inner = then.NewBody("inner");
        inner.AddInput("j", OnnxType.Of(ElementType.Int64));
        Value d = inner.AddInput("d", OnnxType.Of(ElementType.Bool)), t = inner.AddInput("t", OnnxType.Of(ElementType.Float32, 1));
        Value deep = inner.AddNode("Add", [t, t], ["deep"]).Outputs[0]!;
        Give(inner, inner.AddNode("Identity", [d], ["d2"]).Outputs[0]!, OnnxType.Of(ElementType.Bool));
        Give(inner, deep);
        deep.Type = null;
        Give(then, then.AddNode("Loop", [two, go, s], ["t2"], [new("body", inner)]).Outputs[0]!);
        Give(otherwise, otherwise.AddNode("Identity", [s], ["s1"]).Outputs[0]!);
        Value next = outer.AddNode("If", [even], ["next"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        Give(outer, outer.AddNode("Identity", [c], ["c2"]).Outputs[0]!, OnnxType.Of(ElementType.Bool));
        Give(outer, next);
        Give(graph, graph.AddNode("Loop", [three, go, x], ["y"], [new("body", outer)]).Outputs[0]!);
        return model;
    }
}
