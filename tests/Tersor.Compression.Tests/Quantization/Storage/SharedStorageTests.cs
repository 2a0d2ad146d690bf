using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Storage;

/// <summary>A weight that several layers share is stored once.</summary>
public sealed class SharedStorageTests
{
    [Fact]
    public void A_weight_of_both_branches_of_an_If_is_stored_once_for_dynamic_quantization()
    {
        Model model = Branches();
        Assert.Equal(2, new QuantizeDynamicPass(new() { MinElements = 100 }).Run(model, PassContext.None).Changes.Count);
        Value integers = Assert.Single(Integers(model));
        Assert.Equal(2, integers.Uses.Count(u => u.Node.Is("MatMulInteger")));
        Runs(model);
    }

    [Fact]
    public void Equal_weights_of_two_bodies_are_stored_once()
    {
        Model model = Branches(inside: true);
        new QuantizeWeightsPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        Assert.True(Assert.Single(Integers(model)).Graph.IsMain);
        Runs(model);
    }

    [Fact]
    public void A_float_layer_reads_the_integers_of_an_8_bit_layer_that_were_rounded_otherwise()
    {
        Tensor weight = Build.Normal(1, 0.5, 32, 64);
        float[] scales = Emitted(weight, out Tensor integers);
        Model model = Build.Model([4, 32], (g, x) =>
        {
            Value eight = g.Apply("DequantizeLinear", [g.AddInitializer("w_quantized", integers), g.AddInitializer("s", Tensor.Vector(scales))], ("axis", 1L));
            return g.Apply("Add", [g.Apply("MatMul", [x, eight]), g.Apply("MatMul", [x, g.AddInitializer("w", weight)])]);
        });
        new QuantizeWeightsPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        Assert.Single(Integers(model));
        Runs(model, 4, 32);
    }

    [Fact]
    public void Another_weight_of_the_same_shape_is_stored_by_itself()
    {
        Tensor weight = Build.Normal(1, 0.5, 32, 64);
        float[] scales = Emitted(weight, out Tensor integers);
        Model model = Build.Model([4, 32], (g, x) =>
        {
            Value eight = g.Apply("DequantizeLinear", [g.AddInitializer("w_quantized", integers), g.AddInitializer("s", Tensor.Vector(scales))], ("axis", 1L));
            return g.Apply("Add", [g.Apply("MatMul", [x, eight]), g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(2, 0.5, 32, 64))])]);
        });
        new QuantizeWeightsPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        Assert.Equal(2, Integers(model).Length);
    }

    [Fact]
    public void A_table_that_is_the_transpose_of_the_last_layers_weight_is_stored_once()
    {
        Model model = Build.Model([4, 3], (g, x) =>
        {
            Value table = g.AddInitializer("table", Build.Normal(1, 1, 40, 48));
            Value read = g.Apply("Gather", [table, g.Apply("Cast", [x], ("to", (long)ElementType.Int64))]);
            return g.Apply("Gemm", [g.Apply("Reshape", [read, g.AddInitializer("shape", Tensor.Vector(-1L, 48L))]), table], ("transB", 1L));
        });
        IReadOnlyDictionary<string, Tensor> input = new Dictionary<string, Tensor> { ["x"] = Tensor.Create([4, 3], [.. Enumerable.Range(0, 12).Select(i => (float)i)]) }, expected = Running.Run(model, input);
        new QuantizeDynamicPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        new QuantizeWeightsPass(new()).Run(model, PassContext.None);
        Assert.Single(Integers(model));
        Assert.Empty(Running.Differences(expected, Running.Run(model, input), 0.03));
    }

    [Fact]
    public void The_shared_head_of_the_cases_is_stored_once()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("cases", "shared-head.onnx"));
        new QuantizeWeightsPass(new() { MinElements = 1 }).Run(model, PassContext.None);
        Assert.Equal(3, Integers(model).Length); // stem, shared head, shared classifier
    }

    private static float[] Emitted(Tensor weight, out Tensor integers)
    {
        float[] scales = Tersor.Compression.Quantization.Emission.WeightQuantizer.Scales(weight, 1);
        sbyte[] rounded = Tersor.Compression.Quantization.Emission.WeightQuantizer.Quantize(weight, 1, scales).Span<sbyte>().ToArray();
        for (int i = 0; i < rounded.Length; i += 3) // the other of the two neighbours, as adaptive rounding does
            rounded[i] = (sbyte)(weight.Span<float>()[i] > scales[i % 64] * rounded[i] ? Math.Min(127, rounded[i] + 1) : Math.Max(-127, rounded[i] - 1));
        integers = Tensor.Create(weight.Shape.AsSpan(), rounded);
        return scales;
    }

    private static Model Branches(bool inside = false)
    {
        Tensor weight = Build.Normal(1, 0.5, 32, 64);
        return Build.Model([4, 32], (g, x) =>
        {
            Value? shared = inside ? null : g.AddInitializer("w", weight);
            Value condition = g.Apply("Greater", [g.Apply("ReduceMax", [x], ("keepdims", 0L)), g.AddInitializer("zero", Tensor.Scalar(0f))]);
            Graph[] bodies = [.. new[] { "Relu", "Neg" }.Select(op =>
            {
                Graph body = g.NewBody(op);
                body.AddOutput(body.Apply("MatMul", [body.Apply(op, [x]), shared ?? body.AddInitializer("w", weight)]));
                return body;
            })];
            return g.Apply("If", [condition], ("then_branch", new NodeAttribute.Body(bodies[0])), ("else_branch", new NodeAttribute.Body(bodies[1])));
        });
    }

    private static Value[] Integers(Model model) => [.. model.AllGraphs().SelectMany(g => g.Initializers).Where(v => v.Tensor is { Type: ElementType.Int8, Rank: >= 2 })];

    private static void Runs(Model model, int rows = 4, int columns = 32) => Running.Run(model, new Dictionary<string, Tensor> { ["x"] = Build.Normal(5, 1, rows, columns) });
}
