using System.Text;
using Tersor.Data.Descriptions;
using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Sources;

public sealed class ImageFolderTests
{
    [Fact]
    public void Class_folders_are_numbered_in_ordinal_order_of_names()
    {
        using TemporaryFolder folder = new();
        folder.Copy("rgb.png", "dog/1.png");
        folder.Copy("rgb.png", "Zebra/1.png");
        folder.Copy("rgb.png", "cat/2.png");
        folder.Write("cat/notes.txt", "no image");
        IDataSet data = Open(folder, new() { Folder = "." });
        Assert.Equal([("Zebra/1.png", 0L), ("cat/2.png", 1L), ("dog/1.png", 2L)], data.Samples().Select(s => (s.Name, s.Labels["label"].ToInt64s()[0])));
    }

    [Fact]
    public void A_table_gives_texts_or_class_indices()
    {
        using TemporaryFolder folder = new();
        folder.Copy("rgb.png", "a.png");
        folder.Copy("rgb.png", "b.png");
        folder.Write("labels.tsv", "b.png\tzwei Wörter\na.png\t1\n");
        IDataSet texts = Open(folder, new() { Folder = "." });
        Assert.Equal(["1", "zwei Wörter"], texts.Samples().Select(s => Encoding.UTF8.GetString(s.Labels["label"].Strings[0].Span)));
        folder.Write("labels.tsv", "b.png\t5\na.png\t1\n");
        Assert.Equal([1L, 5L], Open(folder, new() { Folder = "." }).Samples().Select(s => s.Labels["label"].ToInt64s()[0]));
        folder.Write("labels.tsv", "b.png 5\n");
        Assert.Contains("labels.tsv:1", Assert.Throws<DataException>(() => Open(folder, new() { Folder = "." })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Boxes_follow_the_image_through_preprocessing()
    {
        using TemporaryFolder folder = new();
        folder.Copy("rgb.png", "a.png"); // 37 x 23
        folder.Write("boxes.json", """{"a.png": [[1, 2, 3, 4], [0, 0, 37, 23]]}""");
        Tensor boxes = Open(folder, new() { Folder = "." }, new ResizeStep { Width = 74, Height = 23 }, new PadStep { Width = 80, Height = 33, Align = Alignment.Center }).Read(0).Labels["boxes"];
        Assert.Equal([2, 4], boxes.Shape);
        Assert.Equal([5, 7, 9, 9, 3, 5, 77, 28], boxes.ToFloats());
    }

    [Fact]
    public void Variants_make_one_sample_a_transformation()
    {
        using TemporaryFolder folder = new();
        folder.Copy("grey.png", "a.png");
        IDataSet data = Open(folder, new() { Folder = ".", Variants = [new(new(), 0), new(new() { Rotate = 180 }, 1)] });
        Assert.Equal([0L, 1L], data.Samples().Select(s => s.Labels["label"].ToInt64s()[0]));
        Assert.Equal(data.Read(0).Steps[0]["x"].ToFloats().Reverse(), data.Read(1).Steps[0]["x"].ToFloats());
    }

    [Fact]
    public void Missing_and_broken_files_are_named()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("nowhere", Assert.Throws<DataException>(() => Open(folder, new() { Folder = "nowhere" })).Message, StringComparison.Ordinal);
        Assert.Contains("no file", Assert.Throws<DataException>(() => Open(folder, new() { Folder = "." })).Message, StringComparison.Ordinal);
        folder.Write("broken.png", "no image");
        Assert.Contains("broken.png", Assert.Throws<DataException>(() => Open(folder, new() { Folder = "." }).Read(0)).Message, StringComparison.Ordinal);
    }

    private static IDataSet Open(TemporaryFolder folder, ImageFolderSource source, params PreprocessStep[] steps) => DataSetFactory.Open(
        new DataDescription { Splits = new Dictionary<string, SplitDescription> { ["all"] = new(source with { Input = "x" }) }, Preprocess = steps },
        folder.Path).DataSet;
}
