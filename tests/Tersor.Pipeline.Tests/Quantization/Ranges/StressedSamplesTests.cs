using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Ranges;

public sealed class StressedSamplesTests
{
    /// <summary>Samples around 10 whose spread grows with their number, and one that reaches the ends 0 and 20.</summary>
    private static IDataSet Growing(int count, ElementType type = ElementType.Float32) => new InMemoryDataSet("growing",
    [
        .. Enumerable.Range(0, count).Select(i => new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Of(type, [10f - i, 10f + i]), ["state"] = Tensor.Vector(1f, 5f) }], new Dictionary<string, Tensor> { ["label"] = Tensor.Scalar((long)i) })),
        new("ends", [new Dictionary<string, Tensor> { ["x"] = Of(type, [0f, 20f]), ["state"] = Tensor.Vector(1f, 5f) }], new Dictionary<string, Tensor>()),
    ], new Dictionary<string, string> { ["out"] = "state" });

    private static Tensor Of(ElementType type, float[] values) => type == ElementType.Float32 ? Tensor.Vector(values) : Tensor.Vector(Array.ConvertAll(values, v => (long)v));

    private static float[] Input(IDataSet data, int index, string name = "x") => data.Read(index).Steps[0][name].ToFloats();

    [Fact]
    public void Those_of_greatest_contrast_are_added_with_still_more_of_it()
    {
        IDataSet samples = Growing(7), stressed = StressedSamples.AddedTo(samples);
        Assert.Equal(8 + 2, stressed.Count); // an eighth, two at least
        Assert.Equal(Input(samples, 3), Input(stressed, 3));
        Assert.Equal([0f, 20f], Input(stressed, 8)); // no value beyond the ends that any input has
        Assert.Equal([10 - 6 * 1.25f, 10 + 6 * 1.25f], Input(stressed, 9));
        Assert.Equal(6, stressed.Read(9).Labels["label"].ToInt64s()[0]);
        Assert.Equal("6, with more contrast", stressed.Read(9).Name);
    }

    [Fact]
    public void States_stay_what_they_are() => Assert.Equal([1f, 5f], Input(StressedSamples.AddedTo(Growing(7)), 9, "state"));

    [Fact]
    public void One_is_added_for_eight() => Assert.Equal(48 + 6, StressedSamples.AddedTo(Growing(47)).Count);

    [Fact]
    public void Integers_have_no_contrast() => Assert.Equal(8, StressedSamples.AddedTo(Growing(7, ElementType.Int64)).Count);

    [Fact]
    public void Ranges_are_chosen_on_samples_held_out_and_stressed_ones()
    {
        IDataSet both = StressedSamples.Beside(Growing(3), 2, Growing(7), 1);
        Assert.Equal((3, "ends, with more contrast"), (both.Count, both.Read(2).Name));
        Assert.Equal("state", both.Feedback["out"]);
    }
}
