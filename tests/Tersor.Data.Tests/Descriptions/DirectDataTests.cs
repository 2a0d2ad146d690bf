using Tersor.Onnx;

namespace Tersor.Data.Tests.Descriptions;

public sealed class DirectDataTests
{
    [Fact]
    public void A_folder_of_images_takes_size_and_layout_from_the_model_and_says_so()
    {
        using TemporaryFolder folder = new();
        folder.Copy("rgb.png", "cat/a.png");
        OpenedData first = DataSetFactory.Open(folder.Path, [new("x", ElementType.Float32, ["n", 3, 8, 9])]);
        Assert.Equal([1, 3, 8, 9], first.DataSet.Read(0).Steps[0]["x"].Shape);
        Assert.InRange(first.DataSet.Read(0).Steps[0]["x"].ToFloats().Max(), 0.1f, 1);
        Assert.Contains("No preprocessing is declared", Assert.Single(first.Warnings), StringComparison.Ordinal);
        Tensor last = DataSetFactory.Open(folder.Path, [new("x", ElementType.UInt8, [1, "h", "w", 1])]).DataSet.Read(0).Steps[0]["x"];
        Assert.Equal([1, 23, 37, 1], last.Shape);
        Assert.Equal(ElementType.UInt8, last.Type);
    }

    [Fact]
    public void What_is_neither_file_nor_folder_is_refused()
    {
        Assert.Contains("'nowhere' is no data set", Assert.Throws<DataException>(() => DataSetFactory.Open("nowhere")).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere.yaml", Assert.Throws<DataException>(() => DataSetFactory.Open("nowhere.yaml#test")).Message, StringComparison.Ordinal);
    }
}
