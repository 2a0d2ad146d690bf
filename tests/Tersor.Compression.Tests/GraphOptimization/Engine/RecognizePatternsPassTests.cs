using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class RecognizePatternsPassTests
{
    private readonly RecognizePatternsPass pass = new(new());

    public static TheoryData<string, Func<Graph, Value, Value>> HardSwishes { get; } = new()
    {
        { "divided last", (g, x) => Div(g, Mul(g, x, Clip(g, Add(g, x, 3), 0, 6)), 6) },
        { "gate first", (g, x) => Div(g, Mul(g, Clip(g, Add(g, x, 3), 0, 6), x), 6) },
        { "gate divided", (g, x) => Mul(g, x, Div(g, Clip(g, Add(g, x, 3), 0, 6), 6)) },
        { "x divided", (g, x) => Mul(g, Div(g, x, 6), Clip(g, Add(g, x, 3), 0, 6)) },
        { "multiplied", (g, x) => Mul(g, Mul(g, x, Clip(g, Add(g, x, 3), 0, 6)), Number(g, 1f / 6)) },
        { "Min and Max", (g, x) => Div(g, Mul(g, x, g.Apply("Min", [g.Apply("Max", [Add(g, x, 3), Number(g, 0)]), Number(g, 6)])), 6) },
        { "Max and Min", (g, x) => Div(g, Mul(g, x, g.Apply("Max", [Number(g, 0), g.Apply("Min", [Number(g, 6), Add(g, x, 3)])])), 6) },
        { "Relu of Min", (g, x) => Div(g, Mul(g, x, g.Apply("Relu", [g.Apply("Min", [Add(g, x, 3), Number(g, 6)])])), 6) },
        { "divided inside", (g, x) => Mul(g, x, Clip(g, Add(g, Div(g, x, 6), 0.5f), 0, 1)) },
        { "HardSigmoid", (g, x) => Mul(g, x, g.Apply("HardSigmoid", [x], ("alpha", 1f / 6), ("beta", 0.5f))) },
        { "negated twice", (g, x) => Div(g, Mul(g, g.Apply("Neg", [x]), Clip(g, Add(g, x, 3), 0, 6)), -6) },
        { "constant of one element", (g, x) => Div(g, Mul(g, x, Clip(g, g.Apply("Add", [g.AddInitializer("c", Tensor.Create([1, 1], [3f])), x]), 0, 6)), 6) },
    };

    [Theory, MemberData(nameof(HardSwishes))]
    public void HardSwish_is_recognized_however_it_is_written(string spelling, Func<Graph, Value, Value> write)
    {
        Assert.NotEmpty(spelling);
        foreach (string opType in new[] { "Mul", "Div", "Clip", "Min", "Max", "Relu", "Neg", "HardSigmoid" })
            PassCheck.Leaves(pass, Wide(write), opType, 0);
        PassCheck.Leaves(pass, Wide(write), "HardSwish", 1);
        Assert.Equal(1, PassCheck.Count(PassCheck.Settles(pass, Wide(write)), "HardSwish"));
    }

    [Fact]
    public void A_multiple_of_HardSwish_keeps_its_factor()
    {
        Model model = Wide((g, x) => Mul(g, Mul(g, x, Clip(g, Add(g, x, 3), 0, 6)), Number(g, 0.5f)));
        PassCheck.Leaves(pass, model, "HardSwish", 1);
        PassCheck.Leaves(pass, model, "Mul", 1);
    }

    [Fact]
    public void Before_operator_set_14_HardSwish_is_a_product()
    {
        Model model = Wide((g, x) => Div(g, Mul(g, x, g.Apply("Clip", [Add(g, x, 3)], ("min", 0f), ("max", 6f))), 6), opset: 10);
        Model changed = PassCheck.Settles(pass, model);
        Assert.Equal(10, changed.Opset);
        Assert.Equal(["MatMul", "HardSigmoid", "Mul"], changed.Graph.Nodes.Select(n => n.OpType));
    }

    public static TheoryData<string, Func<Graph, Value, Value>> HardSigmoids { get; } = new()
    {
        { "Clip of a line", (g, x) => Clip(g, Add(g, Mul(g, x, Number(g, 0.2f)), 0.5f), 0, 1) },
        { "falling", (g, x) => Clip(g, g.Apply("Sub", [Number(g, 1), Mul(g, x, Number(g, 0.3f))]), 0, 1) },
        { "divided after", (g, x) => Div(g, Clip(g, Add(g, x, 3), 0, 6), 6) },
        { "shifted after", (g, x) => Add(g, Clip(g, Mul(g, x, Number(g, 0.7f)), -0.25f, 0.75f), 0.25f) },
        { "clamped twice", (g, x) => Clip(g, Clip(g, Add(g, Mul(g, x, Number(g, 0.2f)), 0.5f), -1, 2), 0, 1) },
        { "one minus another", (g, x) => g.Apply("Sub", [Number(g, 1), g.Apply("HardSigmoid", [x])]) },
    };

    [Theory, MemberData(nameof(HardSigmoids))]
    public void HardSigmoid_is_recognized_however_it_is_written(string spelling, Func<Graph, Value, Value> write)
    {
        Assert.NotEmpty(spelling);
        PassCheck.Leaves(pass, Wide(write), "HardSigmoid", 1);
        Assert.Equal(["MatMul", "HardSigmoid"], PassCheck.Settles(pass, Wide(write)).Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void The_gate_of_another_value_is_a_HardSigmoid_alone()
    {
        Model model = Wide((g, x) => Mul(g, g.Apply("Exp", [g.Apply("Tanh", [x])]), Div(g, Clip(g, Add(g, x, 3), 0, 6), 6)));
        PassCheck.Leaves(pass, model, "HardSigmoid", 1);
        PassCheck.Leaves(pass, model, "HardSwish", 0);
    }

    public static TheoryData<string, Func<Graph, Value, Value>> Others { get; } = new()
    {
        { "not inside a HardSwish or HardSigmoid", (g, x) => Mul(g, x, Clip(g, Add(g, x, 2), 0, 6)) },
        { "not inside a HardSwish or HardSigmoid", (g, x) => Mul(g, x, Clip(g, Add(g, x, 3), 0, 5)) },
        { "not inside a HardSwish or HardSigmoid", (g, x) => Mul(g, x, Clip(g, Add(g, x, 3), 0.1f, 6)) },
        { "not inside a HardSwish or HardSigmoid", (g, x) => Mul(g, Add(g, x, 1), Clip(g, Add(g, x, 3), 0, 6)) },
        { "not inside a HardSwish or HardSigmoid", (g, x) => Mul(g, x, g.Apply("Max", [Add(g, x, 3), Number(g, 0)])) },
        { "not inside a HardSwish or HardSigmoid", (g, x) => Mul(g, x, Clip(g, Mul(g, x, Number(g, 0)), 0, 1)) },
        { "not inside a Sigmoid", (g, x) => Div(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 3) },
        { "not inside a Sigmoid", (g, x) => g.Apply("Div", [Number(g, 2), Add(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 1)]) },
        { "not inside a Sigmoid", (g, x) => g.Apply("Div", [Number(g, 1), Add(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 2)]) },
        { "not inside a Gelu", (g, x) => Mul(g, x, g.Apply("Erf", [x])) },
        { "not inside a Gelu", (g, x) => Mul(g, x, Add(g, g.Apply("Erf", [Div(g, x, 1.5f)]), 1)) },
        { "not inside a Gelu", (g, x) => Mul(g, Mul(g, x, Number(g, 0.4f)), Add(g, g.Apply("Erf", [Div(g, x, MathF.Sqrt(2))]), 1)) },
        { "not inside a LayerNormalization", (g, x) => Normalize(g, x, axes: [1]) },
        { "not inside a LayerNormalization", (g, x) => Normalize(g, x, axes: [-1], power: 3) },
        { "not inside a LayerNormalization", (g, x) => Normalize(g, x, axes: [-1], axesOfVariance: [1, 2]) },
    };

    [Theory, MemberData(nameof(Others))]
    public void What_only_looks_similar_is_left_and_reported(string reason, Func<Graph, Value, Value> write) => PassCheck.LeavesAlone(pass, Wide(write), reason);

    [Fact]
    public void What_others_read_inside_a_pattern_stays_and_is_named()
    {
        PassCheck.LeavesAlone(pass, Wide((g, x) =>
        {
            Value gate = Clip(g, Add(g, x, 3), 0, 6);
            return Add(g, Div(g, Mul(g, x, gate), 6), g.Apply("Exp", [gate]));
        }), "is a HardSwish, but 'clip");
        Model given = Wide((g, x) =>
        {
            Value gate = Clip(g, Add(g, x, 3), 0, 6);
            g.AddOutput(gate);
            gate.Type = new OnnxType.Tensor(ElementType.Float32, null);
            return Div(g, Mul(g, x, gate), 6);
        });
        PassCheck.LeavesAlone(pass, given, "inside it has other readers", inFunctions: false);
    }

    [Fact]
    public void A_pattern_across_graphs_stays()
    {
        Model model = Build.Model([2, 3], (g, x) =>
        {
            Value shifted = Add(g, x, 3);
            Graph then = g.NewBody("then"), otherwise = g.NewBody("else");
            then.AddOutput(Div(then, Mul(then, x, Clip(then, shifted, 0, 6)), 6));
            otherwise.AddOutput(otherwise.Apply("Neg", [x]));
            return g.Apply("If", [g.Apply("Greater", [g.Apply("ReduceSum", [x], ("keepdims", 0)), Number(g, -100)])], ("then_branch", then), ("else_branch", otherwise));
        });
        PassCheck.LeavesAlone(pass, model, "is a HardSwish across graphs");
    }

    [Fact]
    public void Other_types_than_single_precision_stay()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float64, 2, 3));
        model.Graph.AddOutput(Mul(model.Graph, x, model.Graph.Apply("HardSigmoid", [x], ("alpha", 1f / 6), ("beta", 0.5f))));
        PassCheck.Refuses(pass, model, "is a HardSwish in Float64");
    }

    [Fact]
    public void A_number_that_adds_dimensions_is_no_number() =>
        PassCheck.Leaves(pass, Build.Model([2, 6], (g, x) => g.Apply("Div", [Mul(g, x, Clip(g, g.Apply("Add", [x, g.AddInitializer("c", Tensor.Create([1, 1, 1], [3f]))]), 0, 6)), Number(g, 6)])), "HardSwish", 0);

    public static TheoryData<string, Func<Graph, Value, Value>> Sigmoids { get; } = new()
    {
        { "Div", (g, x) => g.Apply("Div", [Number(g, 1), Add(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 1)]) },
        { "Reciprocal", (g, x) => g.Apply("Reciprocal", [Add(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 1)]) },
        { "times -1", (g, x) => g.Apply("Reciprocal", [g.Apply("Add", [Number(g, 1), g.Apply("Exp", [Mul(g, x, Number(g, -1))])])]) },
        { "over -1", (g, x) => g.Apply("Reciprocal", [Add(g, g.Apply("Exp", [Div(g, x, -1)]), 1)]) },
        { "from 0", (g, x) => g.Apply("Reciprocal", [Add(g, g.Apply("Exp", [g.Apply("Sub", [Number(g, 0), x])]), 1)]) },
        { "scaled", (g, x) => g.Apply("Reciprocal", [Add(g, g.Apply("Exp", [Mul(g, x, Number(g, -1.702f))]), 1)]) },
        { "of -x", (g, x) => g.Apply("Reciprocal", [Add(g, g.Apply("Exp", [Div(g, x, 0.5f)]), 1)]) },
        { "SiLU", (g, x) => g.Apply("Div", [x, Add(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 1)]) },
        { "SiLU of a product", (g, x) => Mul(g, x, g.Apply("Div", [Number(g, 1), Add(g, g.Apply("Exp", [g.Apply("Neg", [x])]), 1)])) },
        { "QuickGelu", (g, x) => g.Apply("Div", [x, Add(g, g.Apply("Exp", [Mul(g, x, Number(g, -1.702f))]), 1)]) },
    };

    [Theory, MemberData(nameof(Sigmoids))]
    public void Sigmoid_is_recognized_however_it_is_written(string spelling, Func<Graph, Value, Value> write)
    {
        Assert.NotEmpty(spelling);
        PassCheck.Leaves(pass, Wide(write), "Sigmoid", 1);
        PassCheck.Leaves(pass, Wide(write), "Exp", 0);
        PassCheck.Settles(pass, Wide(write));
    }

    public static TheoryData<string, Func<Graph, Value, Value>> Gelus { get; } = new()
    {
        { "half last", (g, x) => Mul(g, Mul(g, x, Add(g, g.Apply("Erf", [Div(g, x, MathF.Sqrt(2))]), 1)), Number(g, 0.5f)) },
        { "half first", (g, x) => Mul(g, Mul(g, x, Number(g, 0.5f)), Add(g, g.Apply("Erf", [Mul(g, x, Number(g, MathF.Sqrt(0.5f)))]), 1)) },
        { "halves inside", (g, x) => Mul(g, x, Add(g, Mul(g, g.Apply("Erf", [Div(g, x, MathF.Sqrt(2))]), Number(g, 0.5f)), 0.5f)) },
        { "over 2", (g, x) => Div(g, Mul(g, Add(g, g.Apply("Erf", [Div(g, x, MathF.Sqrt(2))]), 1), x), 2) },
        { "tanh", (g, x) => Mul(g, Mul(g, x, Number(g, 0.5f)), Add(g, g.Apply("Tanh", [Mul(g, Add(g, x, Mul(g, g.Apply("Pow", [x, Number(g, 3)]), Number(g, 0.044715f))), Number(g, MathF.Sqrt(2 / MathF.PI)))]), 1)) },
        { "tanh, factored", (g, x) => Mul(g, Mul(g, x, Number(g, 0.5f)), Add(g, g.Apply("Tanh", [Mul(g, Mul(g, x, Number(g, MathF.Sqrt(2 / MathF.PI))), Add(g, Mul(g, Mul(g, x, x), Number(g, 0.044715f)), 1))]), 1)) },
    };

    [Theory, MemberData(nameof(Gelus))]
    public void Gelu_is_recognized_from_operator_set_20_on_however_it_is_written(string spelling, Func<Graph, Value, Value> write)
    {
        Assert.NotEmpty(spelling);
        Assert.Equal(["MatMul", "Gelu"], PassCheck.Settles(pass, Wide(write, opset: 20)).Graph.Nodes.Select(n => n.OpType));
        PassCheck.Leaves(pass, Wide(write, opset: 20), "Gelu", 1);
        PassCheck.LeavesAlone(pass, Wide(write, opset: 19), "an operator from operator set 20 on");
        (Model raised, PassReport report) = PassCheck.Run(new RecognizePatternsPass(new() { MaxOpset = 20 }), Wide(write));
        Assert.Equal((20, 1), (raised.Opset, PassCheck.Count(raised, "Gelu")));
        Assert.Contains(report.Changes, c => c.What == "raised to operator set 20");
    }

    public static TheoryData<string, Func<Graph, Value, Value>> LayerNormalizations { get; } = new()
    {
        { "whole", (g, x) => Affine(g, Normalize(g, x, [-1]), Build.Normal(1, 1, 6), Build.Normal(2, 1, 6)) },
        { "no shift", (g, x) => Affine(g, Normalize(g, x, [-1]), Build.Normal(1, 1, 6), null) },
        { "bare", (g, x) => Normalize(g, x, [3]) },
        { "two dimensions", (g, x) => Affine(g, Normalize(g, x, [-1, -2]), Build.Normal(1, 1, 4, 6), Build.Normal(2, 1, 4, 6)) },
        { "parameters with leading ones", (g, x) => Affine(g, Normalize(g, x, [-1]), Build.Normal(1, 1, 1, 1, 6), Build.Normal(2, 1, 1, 6)) },
        { "numbers", (g, x) => Affine(g, Normalize(g, x, [-1]), Tensor.Scalar(1.5f), Tensor.Scalar(0.25f)) },
        { "squared by Mul", (g, x) => Affine(g, Normalize(g, x, [-1], power: 0), Build.Normal(1, 1, 6), Build.Normal(2, 1, 6)) },
        { "times 1 / root", (g, x) => Affine(g, Normalize(g, x, [-1], inverse: r => g.Apply("Div", [Number(g, 1), g.Apply("Sqrt", [r])])), Build.Normal(1, 1, 6), Build.Normal(2, 1, 6)) },
        { "times reciprocal", (g, x) => Affine(g, Normalize(g, x, [-1], inverse: r => g.Apply("Reciprocal", [g.Apply("Sqrt", [r])])), Build.Normal(1, 1, 6), Build.Normal(2, 1, 6)) },
        { "to the power of -1/2", (g, x) => Affine(g, Normalize(g, x, [-1], inverse: r => g.Apply("Pow", [r, Number(g, -0.5f)])), Build.Normal(1, 1, 6), null) },
    };

    [Theory, MemberData(nameof(LayerNormalizations))]
    public void LayerNormalization_is_recognized_and_raises_the_operator_set(string spelling, Func<Graph, Value, Value> write)
    {
        Assert.NotEmpty(spelling);
        foreach (long opset in new[] { 13L, 17 })
        {
            Model changed = PassCheck.Settles(pass, Wide(write, opset: opset));
            Assert.Equal(17, changed.Opset);
            Assert.Equal(["MatMul", "LayerNormalization"], changed.Graph.Nodes.Select(n => n.OpType));
        }
        PassCheck.Leaves(pass, Wide(write), "LayerNormalization", 1);
        PassCheck.LeavesAlone(new RecognizePatternsPass(new() { MaxOpset = 0 }), Wide(write, opset: 13), "an operator from operator set 17 on");
    }

    [Fact]
    public void From_operator_set_18_on_dimensions_are_an_input()
    {
        Model model = Wide((g, x) =>
        {
            Value axes = g.AddInitializer("axes", Tensor.Vector(-1L)), d = g.Apply("Sub", [x, g.Apply("ReduceMean", [x, axes])]);
            return g.Apply("Div", [d, g.Apply("Sqrt", [Add(g, g.Apply("ReduceMean", [Mul(g, d, d), axes]), 1e-5f)])]);
        }, opset: 18);
        PassCheck.Leaves(pass, model, "LayerNormalization", 1);
    }

    [Fact]
    public void Parameters_that_do_not_lie_along_what_is_normalized_stay_outside()
    {
        (Model changed, _) = PassCheck.Run(pass, Wide((g, x) => Affine(g, Normalize(g, x, [-1]), Build.Normal(1, 1, 4, 1), Build.Normal(2, 1, 6))));
        Assert.Equal(["MatMul", "LayerNormalization", "Mul", "Add"], changed.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void A_normalization_over_an_open_dimension_stays() =>
        PassCheck.LeavesAlone(pass, Build.Model([2, "n"], (g, x) => Normalize(g, x, [-1])), "not inside a LayerNormalization of known size");

    [Fact]
    public void A_size_no_file_has_the_weights_for_is_not_filled_with_ones()
    {
        Model model = Build.Model([1, 1L << 40], (g, x) => Normalize(g, x, [-1]));
        PassReport report = pass.Run(model, new() { ValueTypes = TypeInference.Infer(model, InProcessRunner.Instance) });
        Assert.Contains("not inside a LayerNormalization of known size", Assert.Single(report.Skipped).Reason);
    }

    [Fact]
    public void A_long_product_of_numbers_is_gone_through_once()
    {
        Model model = Build.Model([2, 3], (g, x) =>
        {
            for (int i = 0; i < 20_000; i++)
                x = Mul(g, x, Number(g, 1.0001f));
            return x;
        });
        Assert.Empty(pass.Run(model, PassContext.None).Changes); // ends, and without a deep stack
    }

    /// <summary>A model whose x is [2, 3, 4, 6] and reaches far to both sides.</summary>
    private static Model Wide(Func<Graph, Value, Value> write, long opset = 17) =>
        Build.Model([2, 3, 4, 6], (g, x) => write(g, g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(7, 2, 6, 6))])), opset);

    private static Value Normalize(Graph g, Value x, long[] axes, float power = 2, Func<Value, Value>? inverse = null, long[]? axesOfVariance = null)
    {
        Value d = g.Apply("Sub", [x, g.Apply("ReduceMean", [x], ("axes", axes))]);
        Value square = power == 0 ? Mul(g, d, d) : g.Apply("Pow", [d, Number(g, power)]);
        Value shifted = Add(g, g.Apply("ReduceMean", [square], ("axes", axesOfVariance ?? axes)), power == 3 ? 1000 : 1e-5f);
        return inverse is null ? g.Apply("Div", [d, g.Apply("Sqrt", [shifted])]) : Mul(g, d, inverse(shifted));
    }

    private static Value Affine(Graph g, Value x, Tensor gamma, Tensor? beta)
    {
        Value scaled = Mul(g, x, g.AddInitializer("gamma", gamma));
        return beta is null ? scaled : Add(g, scaled, g.AddInitializer("beta", beta));
    }

    private static Value Mul(Graph g, Value a, Value b) => g.Apply("Mul", [a, b]);

    private static Value Add(Graph g, Value a, Value b) => g.Apply("Add", [a, b]);

    private static Value Add(Graph g, Value a, float b) => g.Apply("Add", [a, Number(g, b)]);

    private static Value Div(Graph g, Value a, float b) => g.Apply("Div", [a, Number(g, b)]);

    private static Value Clip(Graph g, Value x, float low, float high) => g.Apply("Clip", [x, Number(g, low), Number(g, high)]);

    private static Value Number(Graph g, float value) => g.AddInitializer("c", Tensor.Scalar(value));
}
