using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime.Tests;

/// <summary>The smallest models that show a point.</summary>
internal static class TestModels
{
    public static readonly IReadOnlyDictionary<string, Tensor> NoLabels = new Dictionary<string, Tensor>();
    public static readonly IReadOnlyDictionary<string, string> NoFeedback = new Dictionary<string, string>();

    public static Sample Sample(params (string Name, Tensor Tensor)[] inputs) => new("sample", [inputs.ToDictionary(i => i.Name, i => i.Tensor)], NoLabels);

    /// <summary>y = if flag then Relu(x + 1) else Neg(x); the branch values are named 'plus' and 'negative'.</summary>
    public static Model Branches(long opset)
    {
        Model model = new(opset, irVersion: 8);
        Graph graph = model.Graph;
        Value flag = graph.AddInput("flag", OnnxType.Of(ElementType.Bool)), x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, "n"));
        Graph then = graph.NewBody("then"), otherwise = graph.NewBody("else");
        Value one = then.AddInitializer("one", Tensor.Scalar(1f));
        Value plus = then.AddNode("Add", [x, one], ["plus"]).Outputs[0]!;
        Give(then, then.AddNode("Relu", [plus], ["relu"]).Outputs[0]!);
        Give(otherwise, otherwise.AddNode("Neg", [x], ["negative"]).Outputs[0]!);
        Node node = graph.AddNode("If", [flag], ["y"], [new("then_branch", then), new("else_branch", otherwise)]);
        Give(graph, node.Outputs[0]!);
        return model;
    }

    /// <summary>count times: s = s + x; gives the last s, all 's' stacked, and holds a value 'grown' of iteration + 1 elements.</summary>
    public static Model Growing(long opset)
    {
        Model model = new(opset, irVersion: 8);
        Graph graph = model.Graph;
        Value count = graph.AddInput("count", OnnxType.Of(ElementType.Int64)), x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2));
        Value go = graph.AddInitializer("go", Tensor.Scalar(true)), zero = graph.AddInitializer("zero", Tensor.Vector(0f, 0f));
        Graph body = graph.NewBody("body");
        Value i = body.AddInput("i", OnnxType.Of(ElementType.Int64)), condition = body.AddInput("condition", OnnxType.Of(ElementType.Bool)), s = body.AddInput("s", OnnxType.Of(ElementType.Float32, 2));
        Value next = body.AddNode("Add", [s, x], ["next"]).Outputs[0]!;
        Value axis = body.AddInitializer("axis", Tensor.Vector(0L)), one = body.AddInitializer("one", Tensor.Vector(1L));
        Value length = body.AddNode("Unsqueeze", [i, axis], ["i1"]).Outputs[0]!;
        Value more = body.AddNode("Add", [length, one], ["more"]).Outputs[0]!;
        body.AddNode("ConstantOfShape", [more], ["grown"]);
        Give(body, body.AddNode("Identity", [condition], ["again"]).Outputs[0]!, OnnxType.Of(ElementType.Bool));
        Give(body, next);
        Give(body, body.AddNode("Identity", [next], ["each"]).Outputs[0]!);
        Node loop = graph.AddNode("Loop", [count, go, zero], ["last", "all"], [new("body", body)]);
        Give(graph, loop.Outputs[0]!, OnnxType.Of(ElementType.Float32, 2));
        Give(graph, loop.Outputs[1]!, OnnxType.Of(ElementType.Float32, "steps", 2));
        return model;
    }

    public static void Give(Graph graph, Value value, OnnxType? type = null)
    {
        value.Type = type ?? value.Type ?? new OnnxType.Tensor(ElementType.Float32, null);
        graph.AddOutput(value);
    }

    public static Value Named(Model model, string name) => model.AllNodes().SelectMany(n => n.Outputs).OfType<Value>()
        .Concat(model.AllGraphs().SelectMany(g => g.Inputs.Concat(g.Initializers))).First(v => v.Name == name);
}

/// <summary>Keeps copies of everything it sees.</summary>
internal sealed class Recorder(params Value[] values) : ValueObserver
{
    public List<(string Name, Tensor Tensor, int Sample, int Step)> Seen { get; } = [];

    public List<string> Missed { get; } = [];

    public override IReadOnlyCollection<Value> Values => values;

    public IEnumerable<float[]> Of(string name) => Seen.Where(s => s.Name == name).Select(s => s.Tensor.ToFloats());

    public override void Collect(Value value, ObservedTensor tensor) => Seen.Add((value.Name, tensor.ToTensor(), tensor.Sample, tensor.Step));

    public override void NotTaken(Value value) => Missed.Add(value.Name);
}
