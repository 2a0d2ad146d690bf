using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Storage;

/// <summary>Weights stored in as many bits as were asked for.</summary>
public sealed class StoredBitsTests
{
    /// <summary>Bits, what they are stored as, the operator set that takes, and the least signal to noise of normal numbers, in dB.</summary>
    public static TheoryData<int, ElementType, long, double> Formats => new()
    {
        { 8, ElementType.Int8, 7, 42 },
        { 7, ElementType.Int8, 7, 36 },
        { 5, ElementType.Int8, 7, 24 },
        { 4, ElementType.Int4, 21, 18.5 },
        { 3, ElementType.Int4, 21, 13 },
        { 2, ElementType.Int2, 25, 7 },
    };

    [Theory, MemberData(nameof(Formats))]
    public void Weights_have_the_bits_asked_for_and_the_engine_restores_them(int bits, ElementType storage, long opset, double least)
    {
        Tensor weight = Build.Normal(3, 1, 64, 48);
        Model model = Build.Model([64, 64], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", weight)]), opset);
        model.IrVersion = Tersor.Onnx.Opsets.OpsetRaiser.RequiredIrVersion(opset);
        QuantizeWeightsOptions options = new() { Bits = bits };
        Assert.Equal((storage, opset), (options.Storage, options.RequiredOpset));
        new QuantizeWeightsPass(options).Run(model, PassContext.None);

        Tensor integers = model.Graph.Initializers.Single(v => v.Name == "w_quantized").Tensor!;
        Assert.Equal(storage, integers.Type);
        Assert.Equal((1 << (bits - 1)) - 1, integers.ToInt64s().Max(Math.Abs));
        float[] identity = new float[64 * 64];
        for (int i = 0; i < 64; i++)
            identity[i * 65] = 1;
        float[] restored = Running.Run(model, new Dictionary<string, Tensor> { ["x"] = Tensor.Create([64, 64], identity) })["y"].ToFloats();
        double noise = weight.ToFloats().Zip(restored, (a, b) => Math.Pow(a - b, 2)).Sum(), signal = weight.ToFloats().Sum(w => (double)w * w);
        Assert.True(10 * Math.Log10(signal / noise) >= least, $"{10 * Math.Log10(signal / noise):0.00} dB");
    }

    [Fact]
    public void Bits_out_of_range_and_an_operator_set_too_old_are_refused()
    {
        Assert.Contains("expected 2..8", Assert.Throws<CompressionException>(() => new QuantizeWeightsPass(new() { Bits = 1 }).Run(Build.Model([4, 4], (g, x) => g.Apply("Relu", [x])), PassContext.None)).Message, StringComparison.Ordinal);
        Assert.Contains("21 or more", Assert.Throws<CompressionException>(() => new QuantizeWeightsPass(new() { Bits = 4 }).Run(Build.Model([4, 4], (g, x) => g.Apply("Relu", [x])), PassContext.None)).Message, StringComparison.Ordinal);
    }
}
