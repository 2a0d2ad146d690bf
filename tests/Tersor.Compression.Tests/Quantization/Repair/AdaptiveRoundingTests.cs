using Tersor.Compression.Quantization.Emission;
using Tersor.Compression.Quantization.Repair;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Repair;

public sealed class AdaptiveRoundingTests
{
    [Theory]
    [InlineData(false), InlineData(true)]
    public void Rounding_to_nearest_under_the_table_gives_the_integers_found(bool perTensor)
    {
        Model model = Network();
        AdaptiveRoundingResult result = AdaptiveRounding.Run(model, Data(), new() { PerTensor = perTensor, Limit = 7 });
        Assert.Equal(5, result.WeightScales.Count);
        foreach (Node node in model.Graph.Nodes.Where(n => result.WeightScales.ContainsKey(n.Outputs[0]!.Name)))
        {
            Tensor weight = node.Inputs[1]!.Constant!;
            int axis = node.Is("Conv") ? 0 : 1;
            float[] scales = result.WeightScales[node.Outputs[0]!.Name];
            Assert.Equal(perTensor ? 1 : weight.Shape[axis], scales.Length);
            float[] all = scales.Length == 1 ? [.. Enumerable.Repeat(scales[0], (int)weight.Shape[axis])] : scales;
            Tensor integers = WeightQuantizer.Quantize(weight, axis, all);
            long inner = weight.Shape.Skip(axis + 1).Aggregate(1L, (a, b) => a * b);
            for (int i = 0; i < weight.Length; i++)
            {
                Assert.InRange(integers.Span<sbyte>()[i], -7, 7);
                Assert.Equal(weight.Span<float>()[i], integers.Span<sbyte>()[i] * all[i / inner % all.Length]);
            }
        }
    }

    [Fact]
    public void Every_repair_lowers_the_error_of_the_model()
    {
        AdaptiveRoundingOptions nearest = new() { Limit = 7, ClipWeights = false, Round = false, CorrectBias = false };
        double plain = Error(nearest), biased = Error(nearest with { CorrectBias = true }), rounded = Error(nearest with { CorrectBias = true, Round = true }), clipped = Error(new() { Limit = 7 });
        Assert.True(biased < plain && rounded < 0.8 * biased && clipped < rounded, $"{plain:G3}, {biased:G3}, {rounded:G3}, {clipped:G3}");
    }

    [Fact]
    public void Making_up_for_the_layers_before_lowers_it_further()
    {
        AdaptiveRoundingOptions options = new() { Limit = 3 };
        double alone = Error(options), sequential = Error(options with { Steps = 5, Quantize = (model, _) => model });
        Assert.True(sequential < alone, $"{alone:G3} → {sequential:G3}");
    }

    [Fact]
    public void Means_of_every_layer_stay_where_there_is_a_bias()
    {
        Model original = Build.Model([2, 4, 9, 9], (g, x) => g.Conv(x, 1, 4, 6)), with = original.Clone(), without = original.Clone();
        AdaptiveRoundingOptions options = new() { Limit = 3, Round = false, Patches = 4096 };
        AdaptiveRounding.Run(with, Data(), options);
        AdaptiveRounding.Run(without, Data(), options with { CorrectBias = false });
        Assert.InRange(Lost(with), 0, 0.3 * Lost(without));

        double Lost(Model model) => Means(original).Zip(Means(model), (a, b) => Math.Abs(a - b)).Sum();

        static double[] Means(Model model) => [.. Outputs(model).SelectMany(o => o.Chunk(81).Select((c, i) => (Channel: i % 6, Mean: c.Average()))).GroupBy(c => c.Channel).Select(c => (double)c.Average(m => m.Mean))];
    }

    [Fact]
    public void Threads_and_the_memory_budget_do_not_change_a_bit()
    {
        byte[] expected = Bytes(new());
        Assert.Equal(expected, Bytes(new() { Threads = 2 }));
        Assert.Equal(expected, Bytes(new() { PatchBudget = 1 }));
        Assert.NotEqual(expected, Bytes(new() { Seed = 2 }));

        static byte[] Bytes(AdaptiveRoundingOptions options)
        {
            Model model = Network();
            AdaptiveRounding.Run(model, Data(), options with { Limit = 7 });
            return model.ToBytes();
        }
    }

    [Fact]
    public void Layers_left_alone_have_their_reason()
    {
        Model model = Network();
        AdaptiveRoundingResult result = AdaptiveRounding.Run(model, Data(), new() { MaxInputs = 30, KeepFloat = n => n.Is("MatMul") ? "by request" : null });
        Assert.Contains(result.Report.Skipped, s => s.Reason == "by request");
        Assert.Contains(result.Report.Skipped, s => s.Reason.Contains("more than 30", StringComparison.Ordinal));
    }

    public static TheoryData<string> Convolutions => ["plain", "strided", "dilated", "same upper", "same lower", "asymmetric padding", "grouped", "one-dimensional"];

    [Theory, MemberData(nameof(Convolutions))]
    public void Patches_times_rows_are_what_the_engine_computes(string kind)
    {
        Model model = Convolution(kind);
        Node node = model.Graph.Nodes.First();
        Tensor input = Build.Normal(50, 1, [.. model.Graph.Inputs[0].Type!.AsTensor!.FixedShape!]);
        WeightRows rows = WeightRows.Of(node, out _)!;
        PatchGeometry geometry = new(node, node.Inputs[1]!.Constant!.Shape.AsSpan());
        float[] expected = Run(model, input), patch = new float[rows.Inputs * rows.Groups], bias = node.Inputs[2]!.Constant!.ToFloats();
        long places = geometry.Places(input.Shape.AsSpan()), perBatch = places / input.Shape[0];
        Assert.Equal(expected.Length, places * rows.Outputs);
        for (long place = 0; place < places; place++)
        {
            geometry.Copy(input.Span<float>(), input.Shape.AsSpan(), place, patch);
            for (int o = 0; o < rows.Outputs; o++)
            {
                int group = o / (rows.Outputs / rows.Groups);
                double sum = bias[o] + Enumerable.Range(0, rows.Inputs).Sum(k => (double)rows.Read()[o * rows.Inputs + k] * patch[group * rows.Inputs + k]);
                Assert.Equal(sum, expected[(place / perBatch * rows.Outputs + o) * perBatch + place % perBatch], 1e-4);
            }
        }
    }

    private static Model Convolution(string kind)
    {
        return kind == "one-dimensional"
            ? Build.Model([2, 4, 11], (g, x) => g.Apply("Conv", [x, g.AddInitializer("w", Build.Normal(1, 0.3, 6, 4, 3)), g.AddInitializer("b", Build.Normal(2, 0.1, 6))], ("pads", new long[] { 1, 0 }), ("strides", new long[] { 2 })))
            : Build.Model([2, 4, 9, 10], (g, x) =>
            {
                Value result = kind == "grouped" ? g.Conv(x, 1, 4, 6, group: 2) : g.Conv(x, 1, 4, 6);
                Node node = result.Producer!;
                if (kind is "strided" or "same upper" or "same lower")
                    node.SetAttribute("strides", new long[] { 2, 3 });
                if (kind == "dilated")
                    node.SetAttribute("dilations", new long[] { 2, 1 });
                if (kind == "asymmetric padding")
                    node.SetAttribute("pads", new long[] { 0, 1, 2, 0 });
                if (kind.StartsWith("same", StringComparison.Ordinal))
                {
                    node.RemoveAttribute("pads");
                    node.SetAttribute("auto_pad", kind == "same upper" ? "SAME_UPPER" : "SAME_LOWER");
                }
                return result;
            });
    }

    private static Model Network() => Build.Model([2, 4, 9, 9], (g, x) =>
    {
        Value a = g.Apply("Relu", [g.Conv(x, 1, 4, 16)]);
        Value b = g.Apply("Relu", [g.Conv(a, 2, 16, 16, group: 16)]);
        Value c = g.Apply("Relu", [g.Conv(b, 3, 16, 24, kernel: 1)]);
        Value d = g.Apply("Gemm", [g.Apply("Flatten", [g.Apply("GlobalAveragePool", [c])]), g.AddInitializer("w", Build.Normal(4, 0.3, 24, 12)), g.AddInitializer("b", Build.Normal(5, 0.1, 12))]);
        return g.Apply("Add", [g.Apply("MatMul", [d, g.AddInitializer("w", Build.Normal(6, 0.3, 12, 10))]), g.AddInitializer("b", Build.Normal(7, 0.1, 10))]);
    });

    private static InMemoryDataSet Data() => new("data", [.. Enumerable.Range(0, 12).Select(i => new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Smooth(i) }], new Dictionary<string, Tensor>()))]);

    /// <summary>Neighbours that lean on each other, and a mean that is not zero.</summary>
    private static Tensor Smooth(int seed)
    {
        float[] noise = Build.Normal(200 + seed, 1, 2, 4, 9, 9).ToFloats();
        for (int i = 1; i < noise.Length; i++)
            noise[i] = 0.8f * noise[i - 1] + 0.6f * noise[i] + 0.1f;
        return Tensor.Create([2, 4, 9, 9], noise);
    }

    /// <summary>Squared error of the model's outputs, on data that rounding has not seen.</summary>
    private static double Error(AdaptiveRoundingOptions options)
    {
        Model model = Network(), original = model.Clone();
        AdaptiveRounding.Run(model, Data(), options);
        return Enumerable.Range(50, 20).Sum(i => Run(original, Smooth(i)).Zip(Run(model, Smooth(i)), (a, b) => (double)(a - b) * (a - b)).Sum());
    }

    private static float[][] Outputs(Model model) => [.. Enumerable.Range(0, 12).Select(i => Run(model, Smooth(i)))];

    private static float[] Run(Model model, Tensor input)
    {
        using ModelSession session = new(model);
        return session.Run(new Dictionary<string, Tensor> { ["x"] = input })["y"].ToFloats();
    }
}
