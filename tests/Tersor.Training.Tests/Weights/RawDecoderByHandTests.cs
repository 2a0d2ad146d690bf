using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using TorchSharp.Modules;
using static Tersor.Training.Tests.Weights.ByHand;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Tests.Weights;

/// <summary>A raw export that makes pictures of pictures, trained, against the same network written by hand in TorchSharp.</summary>
public sealed class RawDecoderByHandTests
{
    [Fact]
    public void Scales_of_Resize_and_group_normalization_by_way_of_instance_normalization()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("resize-scales");
        IDataSet data = CaseData(model, "resize-scales");
        TrainingResult result = Train(model, data, new TrainingLoss.MeanSquaredError());
        Dictionary<string, Parameter> w = Parameters(model);
        Assert.Equal(w.Keys.Order(StringComparer.Ordinal), result.Trained.Order(StringComparer.Ordinal));
        Compare(StepByStep(data, w.Values, x =>
        {
            Tensor h = F.silu(F.group_norm(Convolved(x, w["c1.weight"], w["c1.bias"], 2, 1), 3, w["g1.weight"], w["g1.bias"]));
            h = F.instance_norm(Convolved(h, w["c2.weight"], w["c2.bias"], 2, 1), weight: w["i2.weight"], bias: w["i2.bias"]);
            h = ConvolvedBack(F.leaky_relu(h, 0.1), w["t1.weight"], w["t1.bias"], 2, 1);
            h = F.prelu(F.group_norm(h, 4, w["g3.weight"], w["g3.bias"]), w["pr.weight"]);
            h = F.interpolate(h, scale_factor: [2, 2], mode: TorchSharp.torch.InterpolationMode.Bilinear, align_corners: false);
            return F.sigmoid(Convolved(h, w["c3.weight"], w["c3.bias"], 1, 1));
        }, (y, label) => F.mse_loss(y, label)), result);
    }
}
