using Tersor.Onnx;

namespace Tersor.Data.Tests.Sources;

public sealed class RandomTests
{
    private static readonly ModelInput[] Inputs =
    [
        new("x", ElementType.Float32, ["batch", 3, "height", 5]),
        new("ids", ElementType.Int64, [1, 7]),
        new("mask", ElementType.Bool, [4]),
    ];

    [Fact]
    public void Types_and_shapes_are_the_models_and_the_seed_decides_the_numbers()
    {
        OpenedData opened = DataSetFactory.Open("random,count=3,seed=7,x=2x3x400x5", Inputs);
        Assert.Equal(3, opened.DataSet.Count);
        Sample sample = opened.DataSet.Read(2);
        Assert.Equal([2, 3, 400, 5], sample.Steps[0]["x"].Shape);
        Assert.Equal(ElementType.Int64, sample.Steps[0]["ids"].Type);
        Assert.Equal(ElementType.Bool, sample.Steps[0]["mask"].Type);
        float[] values = sample.Steps[0]["x"].ToFloats();
        Assert.InRange(values.Average(), -0.1f, 0.1f);
        Assert.InRange(values.Average(v => v * v), 0.9f, 1.1f);
        Assert.True(sample.Steps[0]["x"].ContentEquals(DataSetFactory.Open("random,count=3,seed=7,x=2x3x400x5", Inputs).DataSet.Read(2).Steps[0]["x"]));
        Assert.False(sample.Steps[0]["x"].ContentEquals(opened.DataSet.Read(1).Steps[0]["x"]));
        Assert.False(sample.Steps[0]["x"].ContentEquals(DataSetFactory.Open("random,count=3,seed=8,x=2x3x400x5", Inputs).DataSet.Read(2).Steps[0]["x"]));
    }

    [Fact]
    public void More_numbers_than_memory_holds_are_refused() =>
        Assert.Contains("'x'", Assert.Throws<DataException>(() => DataSetFactory.Open("random", [new("x", ElementType.Float32, [1L << 31, 1L << 31])])).Message, StringComparison.Ordinal);

    [Fact]
    public void Random_data_warn_loudly() => Assert.Contains("RANDOM", Assert.Single(DataSetFactory.Open("random,x=1x3x4x5", Inputs).Warnings), StringComparison.Ordinal);

    [Theory]
    [InlineData("random", "dimension 2 ('height')")]
    [InlineData("random,x=1x4x4x5", "does not fit")]
    [InlineData("random,y=1", "'y'")]
    [InlineData("random,count=0", "count=0")]
    [InlineData("random,count", "'count'")]
    public void A_shape_that_is_missing_or_wrong_is_refused(string spec, string message) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => DataSetFactory.Open(spec, Inputs)).Message, StringComparison.Ordinal);
}
