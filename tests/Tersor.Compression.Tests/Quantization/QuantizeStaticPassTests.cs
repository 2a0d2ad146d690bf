using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class QuantizeStaticPassTests
{
    private static readonly Tensor Input = Build.Normal(1, 1, 1, 16, 8, 8);

    /// <summary>A network with everything the placement knows: convolutions, absorbed and separate activations, hard swish spelled out, squeeze-excite, concat, pooling, a matrix product.</summary>
    private static Model Network() => Build.Model([1, 16, 8, 8], (g, x) =>
    {
        Value a = g.Apply("Relu", [g.Conv(x, 1, 16, 32)]);
        Value b = g.Conv(a, 2, 32, 32, group: 32);
        Value shifted = g.Apply("Clip", [g.Apply("Add", [b, g.AddInitializer("three", Tensor.Scalar(3f))]), g.AddInitializer("zero", Tensor.Scalar(0f)), g.AddInitializer("six", Tensor.Scalar(6f))]);
        Value swish = g.Apply("Div", [g.Apply("Mul", [b, shifted]), g.AddInitializer("divisor", Tensor.Scalar(6f))]);
        Value squeezed = g.Apply("HardSigmoid", [g.Conv(g.Apply("GlobalAveragePool", [swish]), 3, 32, 32, kernel: 1)], ("alpha", 0.2f), ("beta", 0.5f));
        Value excited = g.Apply("Mul", [swish, squeezed]);
        Value joined = g.Apply("Concat", [g.Apply("MaxPool", [excited], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 })),
            g.Apply("MaxPool", [a], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }))], ("axis", 1L));
        Value flat = g.Apply("Flatten", [g.Apply("GlobalAveragePool", [g.Conv(joined, 4, 64, 64)])]);
        return g.Apply("Gemm", [flat, g.AddInitializer("fc", Build.Normal(9, 0.2, 10, 64)), g.AddInitializer("fcb", Build.Normal(10, 0.1, 10))], ("transB", 1L));
    });

    [Fact]
    public void The_quantized_network_stays_close_and_every_product_runs_in_8_bits()
    {
        Model model = Network();
        (Model quantized, PassReport report) = Quantize(model, Input, _ => null);

        float[] expected = Run(model, Input), actual = Run(quantized, Input);
        Assert.True(Sqnr(expected, actual) > 25, $"{Sqnr(expected, actual):F1} dB");
        Assert.NotEqual(expected, actual);
        Assert.Empty(report.Skipped);
        string[] executed = Executed(quantized);
        Assert.DoesNotContain("Conv", executed);
        Assert.DoesNotContain("Gemm", executed);
        Assert.Contains("QLinearConv", executed);
        // A float operator in the middle would mean that a rule of the table does not hold.
        Assert.Equal(new[] { "QLinearAdd", "QLinearConcat", "QLinearConv", "QLinearGlobalAveragePool", "QLinearMul", "QGemm", "Flatten", "MaxPool", "QuantizeLinear" }.Order(), executed.Distinct().Order());
        // The last product scales its sums to float itself.
        Assert.Single(executed, "QuantizeLinear");
    }

    [Fact]
    public void Activations_between_8_bit_kernels_vanish()
    {
        (Model quantized, _) = Quantize(Network(), Input, _ => null);
        Assert.DoesNotContain(quantized.AllNodes(), n => n.Is("Relu", "Clip", "Div", "HardSigmoid"));
    }

    [Fact]
    public void Copies_share_scale_and_zero_point_with_what_they_copy()
    {
        (Model quantized, _) = Quantize(Network(), Input, _ => null);
        Node[] pools = [.. quantized.AllNodes().Where(n => n.Is("MaxPool"))];
        Assert.Equal(2, pools.Length);
        Assert.All(pools, pool => Assert.Equal([Pair(pool.Outputs[0]!.Uses[0].Node)], pool.Inputs.Select(i => Pair(i!.Producer!))));

        // Two rectified values are joined under one scale.
        Model rectified = Build.Model([1, 16, 8, 8], (g, x) => g.Conv(g.Apply("Concat", [g.Apply("Relu", [g.Conv(x, 1, 16, 32)]), g.Apply("Relu", [g.Conv(x, 2, 16, 32)])], ("axis", 1L)), 3, 64, 64));
        Node join = Assert.Single(Quantize(rectified, Input, _ => null, force: true).Model.AllNodes(), n => n.Is("Concat"));
        Assert.Equal([Pair(join.Outputs[0]!.Uses[0].Node), Pair(join.Outputs[0]!.Uses[0].Node)], join.Inputs.Select(i => Pair(i!.Producer!)));
    }

    [Fact]
    public void A_rectified_value_joined_with_negative_ones_keeps_the_scale_that_rectifies_it()
    {
        (Model quantized, _) = Quantize(Network(), Input, _ => null);
        Node join = Assert.Single(quantized.AllNodes(), n => n.Is("Concat"));
        (Value? scale, Value? zeroPoint) = Pair(join.Outputs[0]!.Uses[0].Node);
        Assert.NotEqual(0, zeroPoint!.Constant!.Span<byte>()[0]);
        Assert.Equal((scale, zeroPoint), Pair(join.Inputs[0]!.Producer!));
        Assert.Equal(0, Pair(join.Inputs[1]!.Producer!).ZeroPoint!.Constant!.Span<byte>()[0]);
    }

    private static (Value? Scale, Value? ZeroPoint) Pair(Node node) => (node.Inputs[1], node.Inputs[2]);

    [Fact]
    public void A_layer_kept_float_stays_as_it_was()
    {
        Model model = Network();
        (Model quantized, PassReport report) = Quantize(model, Input, n => n.Is("Gemm") ? "by request" : null);
        Node gemm = Assert.Single(quantized.AllNodes(), n => n.Is("Gemm"));
        Assert.Equal(ElementType.Float32, gemm.Inputs[1]!.Constant!.Type);
        Assert.Contains(report.Skipped, s => s.Subject.StartsWith("Gemm", StringComparison.Ordinal) && s.Reason == "by request");
    }

    [Fact]
    public void Names_and_types_of_inputs_and_outputs_stay()
    {
        Model model = Network();
        (Model quantized, _) = Quantize(model, Input, _ => null);
        Assert.Equal(["x"], quantized.Graph.Inputs.Select(i => i.Name));
        Assert.Equal(["y"], quantized.Graph.Outputs.Select(i => i.Name));
        Assert.Equal(model.Graph.Outputs[0].Type, quantized.Graph.Outputs[0].Type);
    }

    [Fact]
    public void The_lowered_numbers_equal_the_formulas_of_the_paper()
    {
        // One matrix product with float result: y = s_x s_w Σ (q_x − z_x) q_w + b, computed here in plain code.
        Tensor input = Build.Normal(3, 1, 4, 32), weight = Build.Normal(4, 0.3, 32, 24);
        Model model = Build.Model([4, 32], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", weight)]));
        (Model quantized, _) = Quantize(model, input, _ => null, force: true);

        QuantizationParameters p = QuantizationParameters.FromRange(input.ToFloats().Min(), input.ToFloats().Max());
        double[] expected = new double[4 * 24];
        for (int r = 0; r < 4; r++)
        {
            for (int c = 0; c < 24; c++)
            {
                float largest = Enumerable.Range(0, 32).Max(k => MathF.Abs(weight.Span<float>()[k * 24 + c]));
                for (int k = 0; k < 32; k++)
                {
                    double qx = p.Quantize(input.Span<float>()[r * 32 + k]) - p.ZeroPoint, qw = Math.Round(weight.Span<float>()[k * 24 + c] / (largest / 127));
                    expected[r * 24 + c] += p.Scale * qx * (largest / 127) * qw;
                }
            }
        }
        Assert.Equal(expected, Run(quantized, input).Select(v => (double)v), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void An_older_operator_set_is_refused()
    {
        Model model = Build.Model([1, 16, 8, 8], (g, x) => g.Conv(x, 1, 16, 32), opset: 11);
        CompressionException error = Assert.Throws<CompressionException>(() => Quantize(model, Input, _ => null));
        Assert.Contains("opset 11", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Integer_arithmetic_and_unknown_types_are_left_alone()
    {
        Model model = new(17, 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Int64, 4));
        model.Graph.AddOutput(model.Graph.Apply("Add", [x, x]));
        QuantizationPlacement placement = new Placer(EngineRules.X64Vnni, v => v.Type).Place(model, _ => null);
        Assert.Empty(placement.Units);
    }

    [Fact]
    public void Activations_of_4_bits_hold_sixteen_integers_in_8_bit_kernels()
    {
        (Model quantized, _) = Quantize(Network(), Input, _ => null, format: new() { Activations = ElementType.UInt4 });
        // Of the operators before, only clipping of integers is new: no layer fell back to float.
        Assert.Equal(new[] { "QLinearAdd", "QLinearConcat", "QLinearConv", "QLinearGlobalAveragePool", "QLinearMul", "QGemm", "Clip", "Flatten", "MaxPool", "QuantizeLinear" }.Order(), Executed(quantized).Distinct().Order());
        Value[] integers = [.. quantized.AllNodes().Where(n => n.Is("DequantizeLinear") && n.Inputs[0]!.Constant is null).Select(n => n.Inputs[0]!).Distinct()];
        Assert.NotEmpty(integers);
        foreach (Value value in integers)
            quantized.Graph.AddOutput(value);
        using ModelSession session = new(quantized);
        IReadOnlyDictionary<string, Tensor> results = session.Run(new Dictionary<string, Tensor> { ["x"] = Input });
        Assert.All(integers, v => Assert.InRange(results[v.Name].Span<byte>().ToArray().Max(), 1, 15));
        // Copies of clipped integers are not clipped again.
        Assert.All(quantized.AllNodes().Where(n => n.Is("MaxPool")), pool => Assert.DoesNotContain(pool.Outputs[0]!.Uses[0].Node.Outputs[0]!.Uses, u => u.Node.Is("Clip")));
    }

    [Fact]
    public void Sixteen_steps_cover_the_range_and_give_what_plain_arithmetic_gives()
    {
        Tensor input = Build.Normal(3, 1, 4, 32), identity = Tensor.Create([32, 32], [.. Enumerable.Range(0, 1024).Select(i => i % 33 == 0 ? 1f : 0f)]);
        Model model = Build.Model([4, 32], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", identity)]));
        float[] values = input.ToFloats();
        float low = values.Min(), high = values.Max(), scale = (high - low) / 15;
        double zero = Math.Round(-low / scale, MidpointRounding.ToEven);
        float[] actual = Run(Quantize(model, input, _ => null, force: true, format: new() { Activations = ElementType.UInt4 }).Model, input);
        Assert.Equal(values.Select(v => (float)((Math.Clamp(Math.Round(v / scale, MidpointRounding.ToEven) + zero, 0, 15) - zero) * scale)), actual, (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.InRange(actual.Select(v => Math.Round(v / scale)).Distinct().Count(), 12, 16);
    }

    private static (Model Model, PassReport Report) Quantize(Model model, Tensor input, Func<Node, string?> keepFloat, bool force = false, NumberFormat? format = null)
    {
        Sample[] samples = [new("one", [new Dictionary<string, Tensor> { ["x"] = input }], new Dictionary<string, Tensor>())];
        SeenShapesObserver shapes = new(model.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Concat(model.Graph.Inputs));
        Observer.Observe(model, samples, new Dictionary<string, string>(), [shapes]);
        // A single small product does not pay; made large, it does.
        long factor = force ? 1000 : 1;
        QuantizationPlacement placement = new Placer(EngineRules.X64Vnni, v => shapes.Seen.TryGetValue(v, out SeenShapes? seen)
            ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select((size, i) => (Dimension)(i == 1 && v.Producer is not null ? size * factor : size))]) : v.Type).Place(model, keepFloat);
        MinMaxObserver ranges = new(placement.Activations());
        Observer.Observe(model, samples, new Dictionary<string, string>(), [ranges]);
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Dictionary<Value, (double, double)> known = ranges.Ranges.ToDictionary(r => copies[r.Key], r => ((double)r.Value.Min, (double)r.Value.Max));
        PassReport report = new QuantizeStaticPass(placement.On(copies), new() { RangeOf = v => known[v], Format = format ?? new() }).Run(copy, PassContext.None);
        return (copy, report);
    }

    private static float[] Run(Model model, Tensor input)
    {
        using ModelSession session = new(model);
        return session.Run(new Dictionary<string, Tensor> { ["x"] = input })["y"].ToFloats();
    }

    /// <summary>Operators the engine runs after its own rewriting.</summary>
    private static string[] Executed(Model model)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("tersor-test-").FullName, "optimized.onnx");
        using (ModelSession session = new(model, new SessionSettings { Optimization = EngineOptimization.Extended, OptimizedModelPath = path }))
        {
        }
        string[] operators = [.. Model.Load(path).AllNodes().Select(n => n.OpType)];
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        return operators;
    }

    private static double Sqnr(float[] expected, float[] actual) =>
        10 * Math.Log10(expected.Sum(v => (double)v * v) / expected.Zip(actual).Sum(p => Math.Pow(p.First - p.Second, 2)));
}
