using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class WidenHalfPassTests
{
    private static readonly Dictionary<string, Tensor> Input = new() { ["x"] = Half(Build.Normal(3, 1, 2, 8)) };

    [Fact]
    public void Inputs_and_outputs_keep_their_types_and_the_rest_is_single()
    {
        Model model = Network(irVersion: 8, listWeight: false);
        float[] before = Run(model);
        Assert.Single(new WidenHalfPass().Run(model, PassContext.None).Changes);
        Assert.Equal(ElementType.Float16, model.Graph.Inputs[0].Type!.AsTensor!.ElementType);
        Assert.Equal(("y", ElementType.Float16), (model.Graph.Outputs[0].Name, model.Graph.Outputs[0].Type!.AsTensor!.ElementType));
        Assert.DoesNotContain(model.Graph.Initializers, v => v.Tensor!.Type == ElementType.Float16);
        Assert.All(Run(model).Zip(before), p => Assert.Equal(p.Second, p.First, 0.02));
    }

    [Theory]
    [InlineData(3), InlineData(8)]
    public void Weights_that_old_exporters_list_as_inputs_are_widened_too(int irVersion)
    {
        Model model = Network(irVersion, listWeight: true);
        float[] before = Run(model);
        new WidenHalfPass().Run(model, PassContext.None);
        Assert.All(Run(model).Zip(before), p => Assert.Equal(p.Second, p.First, 0.02));
    }

    private static float[] Run(Model model)
    {
        using ModelSession session = new(model);
        return session.Run(Input)["y"].ToFloats();
    }

    private static Tensor Half(Tensor tensor) => Tensor.Create(tensor.Shape.AsSpan(), Array.ConvertAll(tensor.ToFloats(), v => (Half)v));

    private static Model Network(int irVersion, bool listWeight)
    {
        Model model = new(13, irVersion);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float16, 2, 8));
        Value y = model.Graph.Apply("MatMul", [x, model.Graph.AddInitializer("w", Half(Build.Normal(1, 0.3, 8, 4)))]);
        y.Rename("y");
        y.Type = OnnxType.Of(ElementType.Float16, 2, 4);
        model.Graph.AddOutput(y);
        return listWeight ? Model.Load(new MemoryStream(TestFiles.WithInitializersAsInputs(model, irVersion))) : model;
    }
}
