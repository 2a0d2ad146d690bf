using Tersor.Onnx.Opsets;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Opsets;

public sealed class RaisedRealModelTests
{
    [Theory]
    [InlineData(OpsetRaiser.Supported)]
    [InlineData(OpsetRaiser.Newest)]
    public void Raised_shared_models_give_the_bits_they_gave_before(long target)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        // VGG and AlexNet have no operator the others lack, and 140 and 60 million weights.
        foreach (string path in SharedFiles.Models.Concat(SharedFiles.LightModels.Where(p => !p.Contains("vgg") && !p.Contains("alexnet"))))
        {
            Model model = Model.Load(path);
            Dictionary<string, Tensor> inputs = RandomInputs.ForShared(path, model);
            var before = BackendCase.TryRun(model, inputs) ?? throw new InvalidOperationException($"{path} does not run");
            OpsetRaiser.Raise(model, target);
            Assert.Equal(target, model.Opset);
            var after = BackendCase.TryRun(model, inputs);
            Assert.True(after is not null, $"{path} does not run when raised");
            // ONNX Runtime's AveragePool adds in another order from version 19 on.
            float tolerance = model.AllNodes().Any(n => n.Is("AveragePool")) ? 1e-5f : 0;
            foreach ((string name, Tensor value) in after)
                Assert.True(tolerance == 0 ? value.ContentEquals(before[name]) : Difference(value, before[name]) <= tolerance, $"{path}: output '{name}' differs");
        }
    }

    private static float Difference(Tensor a, Tensor b) => a.ToFloats().Zip(b.ToFloats(), (x, y) => Math.Abs(x - y)).Max();
}
