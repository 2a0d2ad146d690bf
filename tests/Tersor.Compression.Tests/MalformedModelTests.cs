using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Repair;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;
using Tersor.Testing.FrontDoor;

namespace Tersor.Compression.Tests;

/// <summary>Models that can be read and that no engine would run, as passes meet them with --unverified.</summary>
public sealed class MalformedModelTests
{
    public static TheoryData<string> Passes => [.. PassCatalog.Entries.Select(e => e.Name).Where(n => n is not "fix-dimensions" and not "fold-constants")]; // the one needs sizes, the other an engine

    [Theory, MemberData(nameof(Passes))]
    public void A_pass_changes_any_model_that_can_be_read_or_says_why_not(string name)
    {
        PassEntry entry = PassCatalog.Find(name)!;
        foreach ((string changes, Model model) in ChangedModels.Draw(seed: 4, count: 300))
        {
            try
            {
                entry.Create(entry.OptionsType is { } type ? Activator.CreateInstance(type) : null).Run(model, PassContext.None);
                model.ToBytes();
            }
            catch (Exception e) when (e is CompressionException or OnnxException or RuntimeException)
            {
                // In words; that is what is wanted.
            }
            catch (Exception e)
            {
                Assert.Fail($"{changes}: {e}");
            }
        }
    }

    [Fact]
    public void A_product_without_an_operand_is_left_alone()
    {
        foreach (Func<Graph, Value, Value?[]> operands in new Func<Graph, Value, Value?[]>[] { (_, x) => [x], (_, x) => [x, null, x], (_, _) => [], (g, _) => [null, g.AddInitializer("w", Build.Normal(1, 1, 4, 4))] })
        {
            Model model = Build.Model([1, 4], (g, x) => g.Apply("Gemm", operands(g, x)));
            Assert.Single(new QuantizeDynamicPass(new()).Run(model, PassContext.None).Skipped);
        }
    }

    [Fact]
    public void A_sum_without_a_term_joins_no_layers()
    {
        Model model = Build.Model([1, 4], (g, x) => g.Apply("MatMul", [g.Apply("Add", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 1, 4, 4))]), null]), g.AddInitializer("w", Build.Normal(2, 1, 4, 4))]));
        Assert.Empty(new EqualizeLayersPass(new()).Run(model, PassContext.None).Changes);
    }

    [Fact]
    public void An_input_that_is_given_out_as_it_is_stays_half_precision()
    {
        Model model = new(opset: 17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float16, 1, 2));
        model.Graph.AddOutput(x);
        Value y = model.Graph.Apply("MatMul", [x, model.Graph.AddInitializer("w", Tensor.Create([2, 2], [(Half)1f, (Half)2f, (Half)3f, (Half)4f]))]);
        y.Type = OnnxType.Of(ElementType.Float16, 1, 2);
        model.Graph.AddOutput(y);
        new WidenHalfPass().Run(model, PassContext.None);
        Assert.All(model.Graph.Outputs, o => Assert.Equal(ElementType.Float16, o.Type!.AsTensor!.ElementType));
        Assert.Same(x, model.Graph.Outputs[0]);
    }

    [Fact]
    public void A_normalization_whose_parameters_have_several_lengths_is_left_alone()
    {
        Model model = Build.Model([1, 2, 4, 4], (g, x) => g.Apply("BatchNormalization", [g.Conv(x, 1, 2, 2), Ones(g, 2), Ones(g, 1), Ones(g, 2), Ones(g, 2)]));
        PassReport report = new FoldBatchNormalizationPass(new()).Run(model, PassContext.None);
        Assert.Contains(report.Skipped, s => s.Reason.Contains("vectors of one length", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(long.MaxValue), InlineData(0), InlineData(-2), InlineData(3)]
    public void Channels_that_do_not_fall_into_groups_are_left_alone(long group)
    {
        Model model = Build.Model([1, 4, 4, 4], (g, x) => g.Conv(x, 1, 4, 4, group: 4));
        Node node = model.Graph.Nodes.Single();
        Assert.NotNull(LinearLayer.Of(node, out _));
        node.SetAttribute("group", group);
        Assert.Null(LinearLayer.Of(node, out string? reason));
        Assert.Contains("does not fall into its", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zero_point_that_is_no_integer_belongs_to_no_stored_weight()
    {
        Model model = Build.Model([1, 2], (g, x) =>
        {
            Value weight = g.AddInitializer("w", Tensor.Create([2, 2], new sbyte[] { 1, 2, 3, 4 }));
            return g.Apply("MatMul", [x, g.Apply("DequantizeLinear", [weight, g.AddInitializer("scale", Tensor.Scalar(0.5f)), g.AddInitializer("zero", Tensor.Scalar(0f))])]);
        });
        Assert.Empty(new QuantizeWeightsPass(new()).Run(model, PassContext.None).Changes);
    }

    private static Value Ones(Graph graph, int count) => graph.AddInitializer("ones", Tensor.Vector(Enumerable.Repeat(1f, count).ToArray()));
}
