using Tersor.Compression.Quantization;
using Tersor.Compression.Tests.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class ExpandActivationsPassTests
{
    private readonly ExpandActivationsPass pass = new();

    [Fact]
    public void HardSwish_becomes_a_product_in_every_place()
    {
        Model model = Build.Model([2, 3, 5], (g, x) => g.Apply("HardSwish", [g.Apply("HardSwish", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 3, 5, 5))])])]));
        PassCheck.Leaves(pass, model, "HardSwish", 0);
        PassCheck.Leaves(pass, model, "HardSigmoid", 2);
        PassCheck.Leaves(pass, model, "Mul", 2);
        PassCheck.Settles(pass, model);
    }

    [Fact]
    public void Everything_that_read_it_reads_the_product_and_an_output_keeps_its_name()
    {
        Model model = Build.Model([2, 3], (g, x) =>
        {
            Value swish = g.Apply("HardSwish", [x]);
            swish.Type = OnnxType.Of(ElementType.Float32, 2, 3);
            g.AddOutput(swish);
            return g.Apply("Add", [swish, g.Apply("Exp", [swish])]);
        });
        (Model changed, PassReport report) = PassCheck.Run(pass, model);
        Assert.Equal(["hardswish", "y"], changed.Graph.Outputs.Select(o => o.Name));
        Assert.Equal("is x · HardSigmoid(x)", Assert.Single(report.Changes).What);
    }
}
