using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class QuantizeDynamicPassTests
{
    private readonly QuantizeDynamicPass pass = new(new() { MinElements = 100 });

    [Fact]
    public void A_matrix_product_equals_the_formula_of_dynamic_quantization()
    {
        Tensor input = Build.Normal(3, 1, 2, 5, 32), weight = Build.Normal(4, 0.3, 32, 24);
        Model model = Build.Model([2, 5, 32], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", weight)]));
        pass.Run(model, PassContext.None);

        // ONNX DynamicQuantizeLinear-11, and one scale a column for the weight.
        float low = Math.Min(0, input.ToFloats().Min()), high = Math.Max(0, input.ToFloats().Max()), scale = (high - low) / 255;
        double zero = Math.Clamp(Math.Round(-low / scale), 0, 255);
        double[] expected = new double[10 * 24];
        for (int r = 0; r < 10; r++)
        {
            for (int c = 0; c < 24; c++)
            {
                float step = Enumerable.Range(0, 32).Max(k => MathF.Abs(weight.Span<float>()[k * 24 + c])) / 127;
                for (int k = 0; k < 32; k++)
                {
                    double x = Math.Clamp(Math.Round(input.Span<float>()[r * 32 + k] / scale) + zero, 0, 255) - zero;
                    expected[r * 24 + c] += scale * x * step * Math.Round(weight.Span<float>()[k * 24 + c] / step);
                }
            }
        }
        Assert.Equal(expected, Run(model, input).Select(v => (double)v), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Theory]
    [InlineData(0, 1f, 1f), InlineData(1, 1f, 1f), InlineData(1, 0.5f, 2f)]
    public void A_Gemm_with_its_attributes_stays_close(long transB, float alpha, float beta)
    {
        Tensor input = Build.Normal(3, 1, 6, 32);
        Tensor weight = transB == 0 ? Build.Normal(4, 0.3, 32, 24) : Build.Normal(4, 0.3, 24, 32);
        Model model = Build.Model([6, 32], (g, x) => g.Apply("Gemm", [x, g.AddInitializer("w", weight), g.AddInitializer("b", Build.Normal(5, 1, 24))],
            ("transB", transB), ("alpha", alpha), ("beta", beta)));
        float[] expected = Run(model, input);
        pass.Run(model, PassContext.None);
        float[] actual = Run(model, input);
        Assert.DoesNotContain(model.AllNodes(), n => n.Is("Gemm"));
        Assert.True(expected.Zip(actual).Max(p => Math.Abs(p.First - p.Second)) < 0.02 * expected.Max(Math.Abs));
        Assert.NotEqual(expected, actual);
    }

    [Fact]
    public void Two_products_of_one_input_quantize_it_once()
    {
        Model model = Build.Model([4, 32], (g, x) => g.Apply("Add", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 1, 32, 16))]), g.Apply("MatMul", [x, g.AddInitializer("v", Build.Normal(2, 1, 32, 16))])]));
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Equal(2, report.Changes.Count);
        Assert.Single(model.AllNodes(), n => n.Is("DynamicQuantizeLinear"));
        Assert.Equal(64, Run(model, Build.Normal(3, 1, 4, 32)).Length);
    }

    [Fact]
    public void Small_weights_and_products_of_activations_are_left_and_reported()
    {
        Model model = Build.Model([4, 4], (g, x) => g.Apply("MatMul", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 1, 4, 4))]), x]));
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Empty(report.Changes);
        Assert.Equal(["its weight has 16 elements, fewer than 100", "its second input is not constant"], report.Skipped.Select(s => s.Reason));
    }

    [Fact]
    public void A_mask_goes_with_the_integers_and_a_tie_forbids_them()
    {
        Model model = Build.Model([4, 32], (g, x) => g.Apply("MatMul", [g.Apply("MatMul", [x, g.AddInitializer("masked", Build.Normal(1, 1, 32, 32))]), g.AddInitializer("tied", Build.Normal(2, 1, 32, 32))]));
        model.Graph.Initializers.Single(v => v.Name == "masked").Constraints.Add(new Constraint.Mask());
        model.Graph.Initializers.Single(v => v.Name == "tied").Constraints.Add(new Constraint.Tie("a"));
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Equal("it is constrained (Tie)", Assert.Single(report.Skipped).Reason);
        Assert.Equal([new Constraint.Mask()], model.Graph.Initializers.Single(v => v.Name == "masked_quantized").Constraints);
    }

    private static float[] Run(Model model, Tensor input)
    {
        using ModelSession session = new(model);
        return session.Run(new Dictionary<string, Tensor> { ["x"] = input })["y"].ToFloats();
    }
}
