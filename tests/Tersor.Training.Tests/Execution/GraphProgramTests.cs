using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Execution;

public sealed class GraphProgramTests
{
    [Fact]
    public void Nothing_is_left_of_runs_but_their_results()
    {
        Model model = Build.Model([2, 3, 8, 8], (graph, x) =>
        {
            Value y = graph.Apply("MaxPool", [graph.Conv(x, 1, 3, 4)], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }));
            return graph.Apply("Add", [graph.Apply("Mul", [y, y]), y]);
        });
        using GraphProgram program = new(model);
        using Tensor input = ones(2, 3, 8, 8).requires_grad_();
        Run();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 200; i++)
            Run();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Run()
        {
            using Tensor y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = input })[0]!;
            using Tensor loss = y.sum();
            loss.backward();
        }
    }

    [Fact]
    public void Any_value_of_the_main_graph_can_be_had()
    {
        Model model = Build.Model([2], (graph, x) => graph.Apply("Add", [graph.Apply("Mul", [x, x]), x]));
        Value square = model.Graph.Nodes.First().Outputs[0]!;
        using GraphProgram program = new(model);
        using Tensor input = tensor(new[] { 2f, 3f });
        object?[] results = program.Run(new Dictionary<string, Tensor> { ["x"] = input }, [square, model.Graph.Outputs[0]]);
        Assert.Equal([4f, 9f], Floats(results[0]));
        Assert.Equal([6f, 12f], Floats(results[1]));
    }

    [Fact]
    public void An_input_that_is_not_fed_is_named()
    {
        using GraphProgram program = new(Build.Model([2], (graph, x) => graph.Apply("Mul", [x, x])));
        TrainingException error = Assert.Throws<TrainingException>(() => program.Run(new Dictionary<string, Tensor>()));
        Assert.Equal("Input 'x' is not fed; the model takes x.", error.Message);
    }

    [Fact]
    public void Operators_without_an_implementation_are_named_before_anything_runs()
    {
        Model model = Build.Model([2], (graph, x) => graph.Apply("StringNormalizer", [graph.Apply("NoSuchThing", [x])]));
        using GraphProgram program = new(model);
        TrainingException error = Assert.Throws<TrainingException>(() => program.Require(model.Graph.Outputs));
        Assert.StartsWith("2 operators have no implementation for training: NoSuchThing 'nosuchthing/NoSuchThing' (operator set 17), StringNormalizer 'stringnormalizer/StringNormalizer' (operator set 17).", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_operator_that_fails_is_named_with_what_it_was_given()
    {
        using GraphProgram program = new(Build.Model([2], (graph, x) => graph.Apply("Add", [x, graph.AddInitializer("w", OnnxTensor.Vector<float>([1, 2, 3]))])));
        using Tensor input = tensor(new[] { 2f, 3f });
        TrainingException error = Assert.Throws<TrainingException>(() => program.Run(new Dictionary<string, Tensor> { ["x"] = input }));
        Assert.StartsWith("Add 'add/Add': cannot run on (Float32 [2], Float32 [3]): The size of tensor a (2) must match", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 6f)]  // x² at 3
    [InlineData(false, 1f)] // x + 1
    public void Gradients_flow_through_the_branch_that_is_taken(bool condition, float expected)
    {
        Model model = Build.Model([], (graph, x) =>
        {
            Value taken = graph.AddInput("c", OnnxType.Of(ElementType.Bool));
            Graph then = graph.NewBody("then"), otherwise = graph.NewBody("otherwise");
            then.AddOutput(then.Apply("Mul", [x, x]));
            otherwise.AddOutput(otherwise.Apply("Add", [x, graph.AddInitializer("one", OnnxTensor.Scalar(1f))]));
            return graph.Apply("If", [taken], ("then_branch", then), ("else_branch", otherwise));
        });
        using GraphProgram program = new(model);
        using Tensor x = tensor(3f).requires_grad_(), c = tensor(condition);
        using Tensor y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x, ["c"] = c })[0]!;
        y.backward();
        Assert.Equal(expected, x.grad!.item<float>());
    }

    [Fact]
    public void Gradients_flow_through_every_turn_of_a_loop()
    {
        // y = x · x · x · x, and what is collected: x², x³, x⁴.
        Model model = Build.Model([], (graph, x) =>
        {
            Graph body = graph.NewBody("body");
            body.AddInput("i", OnnxType.Of(ElementType.Int64));
            Value condition = body.AddInput("c", OnnxType.Of(ElementType.Bool)), state = body.AddInput("s", OnnxType.Of(ElementType.Float32));
            Value product = body.Apply("Mul", [state, x]);
            foreach (Value output in (Value[])[body.Apply("Identity", [condition]), product, body.Apply("Identity", [product])])
                body.AddOutput(output);
            Node loop = graph.AddNode("Loop", [graph.AddInitializer("n", OnnxTensor.Scalar(3L)), null, x], ["last", "all"], [new("body", body)]);
            loop.Outputs[1]!.Type = OnnxType.Of(ElementType.Float32, 3);
            graph.AddOutput(loop.Outputs[1]!);
            return loop.Outputs[0]!;
        });
        using GraphProgram program = new(model);
        using Tensor x = tensor(2f).requires_grad_();
        object?[] results = program.Run(new Dictionary<string, Tensor> { ["x"] = x });
        Assert.Equal([4f, 8f, 16f], Floats(results[0]));
        Assert.Equal([16f], Floats(results[1]));
        ((Tensor)results[0]! * tensor(new[] { 1f, 10f, 100f })).sum().backward();
        Assert.Equal(2 * 2 + 10 * 3 * 4 + 100 * 4 * 8, x.grad!.item<float>());
    }

    [Fact]
    public void Gradients_flow_through_time()
    {
        // One unit, gates i, o, f and c: c = σ(i) tanh(c) + σ(f) c', h = σ(o) tanh(c); all weights w of the input are parameters.
        Model model = Build.Model([2, 1, 1], (graph, x) =>
        {
            Value w = graph.AddInitializer("w", OnnxTensor.Create([1, 4, 1], [0.5f, -0.3f, 0.8f, 1.1f])), r = graph.AddInitializer("r", OnnxTensor.Create([1, 4, 1], [0.2f, 0.4f, -0.6f, 0.7f]));
            Node lstm = graph.AddNode("LSTM", [x, w, r], ["all", "h"], [new("hidden_size", 1)]);
            return lstm.Outputs[1]!;
        });
        using GraphProgram program = new(model, ScalarType.Float64);
        using Tensor x = tensor(new[] { 0.9, -1.3 }, [2, 1, 1]).requires_grad_();
        using Tensor h = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x })[0]!;
        Assert.Equal(Hidden(0.9, -1.3), h.item<double>(), 1e-7);
        h.backward();
        double[] gradient = TorchTensors.ToOnnx(x.grad!).ToDoubles();
        Assert.Equal((Hidden(0.9 + 1e-6, -1.3) - Hidden(0.9 - 1e-6, -1.3)) / 2e-6, gradient[0], 1e-7);
        Assert.Equal((Hidden(0.9, -1.3 + 1e-6) - Hidden(0.9, -1.3 - 1e-6)) / 2e-6, gradient[1], 1e-7);

        static double Hidden(double first, double second)
        {
            (double h, double c) = (0, 0);
            foreach (double x in (double[])[first, second])
            {
                double i = Sigmoid(0.5f * x + 0.2f * h), o = Sigmoid(-0.3f * x + 0.4f * h), f = Sigmoid(0.8f * x - 0.6f * h);
                c = f * c + i * Math.Tanh(1.1f * x + 0.7f * h);
                h = o * Math.Tanh(c);
            }
            return h;
        }

        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }

    [Fact]
    public void A_batch_size_written_into_the_model_gives_way_to_the_one_that_is_fed()
    {
        Model model = Build.Model([1, 4], (graph, x) =>
        {
            Value split = graph.Apply("Reshape", [x, graph.AddInitializer("s", OnnxTensor.Vector<long>([1, 2, 2]))]);
            Value token = graph.AddInitializer("token", OnnxTensor.Create([1, 1, 2], [7f, 8f]));
            return graph.Apply("Concat", [token, split], ("axis", 1));
        });
        using GraphProgram program = new(model);
        using Tensor x = arange(12, ScalarType.Float32).reshape(3, 4);
        using Tensor y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x })[0]!;
        Assert.Equal([3, 3, 2], y.shape);
        Assert.Equal([7f, 8f, 4f, 5f, 6f, 7f], Floats(y.select(0, 1)));
    }

    /// <summary>Exported for one image, shapes worked out: what it gives for several is what the open model gives.</summary>
    [Theory]
    [InlineData("fmnist_vit")]
    [InlineData("fmnist_lstm")]
    [InlineData("fmnist_mobilenet")]
    public void Real_models_of_a_fixed_batch_take_any(string name)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model open = Model.Load(SharedFiles.At("models", $"{name}.onnx")), closed = open.Clone();
        closed.Graph.Inputs[0].Type = OnnxType.Of(ElementType.Float32, 1, 1, 28, 28);
        closed = new GraphOptimizer(new()).Run(closed).Model;
        Assert.DoesNotContain(closed.Graph.Nodes, n => n.Is("Shape")); // else it would be no test
        manual_seed(3);
        using IDisposable _ = no_grad();
        using IDisposable scope = NewDisposeScope();
        Dictionary<string, Tensor> images = new() { ["image"] = randn(5, 1, 28, 28) };
        using GraphProgram expected = new(open), program = new(closed);
        Assert.True(((Tensor)program.Run(images)[0]!).allclose((Tensor)expected.Run(images)[0]!, 1e-4, 1e-4));
    }

    [Fact]
    public void Sequences_are_built_changed_and_joined()
    {
        Model model = Build.Model([2], (graph, x) =>
        {
            Value position = graph.AddInitializer("p", OnnxTensor.Scalar(0L));
            Value sequence = graph.Apply("SequenceInsert", [graph.Apply("SequenceConstruct", [x, graph.Apply("Mul", [x, x])]), graph.Apply("Add", [x, x]), position]);
            Value shorter = graph.Apply("SequenceErase", [sequence, graph.AddInitializer("q", OnnxTensor.Scalar(-1L))]);
            return graph.Apply("ConcatFromSequence", [graph.Apply("SplitToSequence", [graph.Apply("ConcatFromSequence", [shorter], ("axis", 0), ("new_axis", 1))], ("keepdims", 0))], ("axis", 0));
        });
        using GraphProgram program = new(model);
        using Tensor x = tensor(new[] { 3f, 4f });
        Assert.Equal([6f, 8f, 3f, 4f], Floats(program.Run(new Dictionary<string, Tensor> { ["x"] = x })[0]));
    }

    private static float[] Floats(object? value) => TorchTensors.ToOnnx(Assert.IsType<Tensor>(value)).ToFloats();
}
