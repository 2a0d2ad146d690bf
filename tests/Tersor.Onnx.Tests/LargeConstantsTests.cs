using Tersor.Testing;

namespace Tersor.Onnx.Tests;

/// <summary>Weights that were moved out of memory are what they were.</summary>
public sealed class LargeConstantsTests
{
    [Fact]
    public void A_large_model_is_the_same_with_its_weights_in_a_file_and_a_small_one_keeps_them()
    {
        Model model = Build.Model([1, 2048], (g, x) => g.Apply("MatMul", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 1, 2048, 2048))]), g.AddInitializer("b", Build.Normal(2, 1, 2048, 16))]));
        byte[] before = model.ToBytes();
        string fingerprint = ModelFingerprint.Of(model);
        Tensor weight = model.Graph.Initializers.First(v => v.Name == "w").Tensor!;
        Assert.True(LargeConstants.AreIn(model));
        LargeConstants.MoveOut(model);
        Tensor moved = model.Graph.Initializers.First(v => v.Name == "w").Tensor!;
        Assert.NotSame(weight, moved);
        Assert.False(moved.IsInMemory);
        Assert.False(moved.IsExternal); // written, it lies in the model's file as before
        Assert.False(LargeConstants.AreIn(model));
        Assert.True(weight.Span<float>().SequenceEqual(moved.Span<float>()));
        Assert.Equal(before, model.ToBytes());
        Assert.Equal(fingerprint, ModelFingerprint.Of(model));

        Model small = Build.Model([1, 4], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 1, 4, 4))]));
        Tensor kept = small.Graph.Initializers.First().Tensor!;
        LargeConstants.MoveOut(small);
        Assert.Same(kept, small.Graph.Initializers.First().Tensor);
    }

    [Fact]
    public void Tensors_that_are_one_stay_one()
    {
        Tensor shared = Build.Normal(1, 1, 512, 512);
        Dictionary<Tensor, Tensor> moved = LargeConstants.MoveOut([shared, shared, Build.Normal(2, 1, 4)]);
        Assert.Equal([shared], moved.Keys);
        Assert.True(shared.Bytes.SequenceEqual(moved[shared].Bytes));
    }
}
