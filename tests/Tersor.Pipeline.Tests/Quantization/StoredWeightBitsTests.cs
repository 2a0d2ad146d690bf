using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

/// <summary>Weights that are computed with in float are stored in the bits that were asked for, in every mode.</summary>
public sealed class StoredWeightBitsTests
{
    [Theory]
    [InlineData(QuantizationMode.Weights, 4, ElementType.Int4, 21)]
    [InlineData(QuantizationMode.Weights, 2, ElementType.Int2, 25)]
    [InlineData(QuantizationMode.Weights, 6, ElementType.Int8, 13)]
    [InlineData(QuantizationMode.Dynamic, 4, ElementType.Int4, 21)]
    public void The_bits_asked_for_are_those_stored(QuantizationMode mode, int bits, ElementType storage, long opset)
    {
        // A transposed convolution has no 8-bit form: in every mode its weight is only stored.
        Model model = Build.Model([1, 16, 8, 8], (g, x) => g.Apply("ConvTranspose", [x, g.AddInitializer("w", Build.Normal(1, 0.2, 16, 24, 3, 3))]), opset: 13);
        QuantizeResult result = new QuantizeJob(new() { Mode = mode, Format = new() { WeightBits = bits } }).Run(model, null, null, null, cancellation: TestContext.Current.CancellationToken);
        Tensor stored = result.Model.AllConstants().Single(v => v.Name == "w_quantized").Tensor!;
        Assert.Equal((storage, (1L << (bits - 1)) - 1), (stored.Type, stored.ToInt64s().Max(Math.Abs)));
        Assert.Equal(opset, result.Model.Opset);
        Assert.Contains(result.Report.Changes, c => c.Subject == "w" && c.What.StartsWith($"stored as int{bits} ", StringComparison.Ordinal));
        Running.Run(result.Model, new Dictionary<string, Tensor> { ["x"] = Build.Normal(2, 1, 1, 16, 8, 8) });
    }

    [Fact]
    public void An_operator_set_whose_Mul_does_not_broadcast_is_raised_first()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("cases", "opset6-weights-mul-without-broadcast.onnx"));
        Assert.Equal(6, model.Opset);
        QuantizeResult result = new QuantizeJob(new() { Mode = QuantizationMode.Weights }).Run(model, null, null, null, cancellation: TestContext.Current.CancellationToken);
        Assert.NotEmpty(result.Report.Changes);
        Assert.InRange(result.Model.Opset, 7, 25);
        using Tersor.Runtime.ModelSession session = new(result.Model); // loads
    }
}
