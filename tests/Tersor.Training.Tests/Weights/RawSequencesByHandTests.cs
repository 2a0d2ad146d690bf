using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using TorchSharp.Modules;
using static Tersor.Training.Tests.Weights.ByHand;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Tests.Weights;

/// <summary>Raw exports of attention, trained, against the same networks written by hand in TorchSharp.</summary>
public sealed class RawSequencesByHandTests
{
    [Fact]
    public void A_causal_mask_of_large_numbers()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("causal-mask-1e4");
        IDataSet data = CaseData(model, "causal-mask");
        TrainingResult result = Train(model, data, new TrainingLoss.Auto());
        Tensor mask = Constant(model, "mask");
        Dictionary<string, Parameter> w = Parameters(model, "mask");
        Compare(StepByStep(data, w.Values, x =>
        {
            Tensor[] parts = (w["e.weight"][x.to_type(ScalarType.Int64)].matmul(w["onnx::MatMul_38"]) + w["q.bias"]).chunk(3, -1);
            Tensor shares = F.softmax(parts[0].matmul(parts[1].transpose(1, 2)) / 4 + mask, -1);
            return shares.matmul(parts[2]).matmul(w["onnx::MatMul_39"]) + w["o.bias"];
        }, CrossEntropy), result);
    }

    [Fact]
    public void An_encoder_with_nothing_folded_and_its_table_as_last_matrix()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("encoder-raw-export");
        IDataSet data = SmallData.Of(48, "x", random =>
        {
            int length = random.Next(6, 13);
            long[] tokens = [.. Enumerable.Range(0, 12).Select(i => i < length ? random.NextInt64(1, 50) : 0)];
            return (OnnxTensor.Create([1, 12], tokens), OnnxTensor.Create([1, 12], [.. tokens.Select(t => t * 7 % 50)]));
        });
        TrainingResult result = Train(model, data, new TrainingLoss.Auto());
        Dictionary<string, Parameter> w = Parameters(model);
        Compare(StepByStep(data, w.Values, x =>
        {
            Tensor tokens = x.to_type(ScalarType.Int64), padding = tokens.eq(0).to_type(ScalarType.Float32).unsqueeze(1).unsqueeze(2) * -1e9f;
            Tensor h = w["tok.weight"][tokens] + w["pos"];
            foreach (string layer in new[] { "ls.0", "ls.1" })
                h = Layer(w, layer, h, padding);
            return Normalized(w, "ln", h).matmul(w["tok.weight"].t());
        }, CrossEntropy), result);
    }

    private static Tensor Layer(Dictionary<string, Parameter> w, string name, Tensor h, Tensor padding)
    {
        Tensor pieces = Linear($"{name}.qkv", Normalized(w, $"{name}.l1", h)).reshape(h.shape[0], h.shape[1], 3, 4, 8).permute(2, 0, 3, 1, 4);
        Tensor shares = F.softmax(pieces[0].matmul(pieces[1].transpose(2, 3)) / Math.Sqrt(8) + padding, -1);
        h = h + Linear($"{name}.o", shares.matmul(pieces[2]).transpose(1, 2).reshape(h.shape));
        return h + Linear($"{name}.f2", F.gelu(Linear($"{name}.f1", Normalized(w, $"{name}.l2", h))));

        Tensor Linear(string layer, Tensor x) => F.linear(x, w[$"{layer}.weight"], w[$"{layer}.bias"]);
    }

    private static Tensor Normalized(Dictionary<string, Parameter> w, string name, Tensor x) => F.layer_norm(x, [32], w[$"{name}.weight"], w[$"{name}.bias"], 1e-5);
}
