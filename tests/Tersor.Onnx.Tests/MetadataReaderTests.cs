using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class MetadataReaderTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");

    public void Dispose() => folder.Delete(recursive: true);

    private string WithMetadata()
    {
        Model model = SyntheticModels.EveryElementType();
        model.Metadata["first"] = "1";
        model.Metadata["ünïcode"] = "第二";
        model.Metadata["empty"] = "";
        string path = Path.Combine(folder.FullName, "model.onnx");
        model.Save(path);
        return path;
    }

    [Fact]
    public void Metadata_alone_are_those_of_the_whole_model()
    {
        string path = WithMetadata();
        Assert.Equal(Model.Load(path).Metadata.OrderBy(m => m.Key), Model.LoadMetadata(path).OrderBy(m => m.Key));
        Assert.Equal(3, Model.LoadMetadata(path).Count);
    }

    [Fact]
    public void A_file_cut_off_anywhere_gives_some_of_them_and_no_error()
    {
        string path = WithMetadata();
        byte[] bytes = File.ReadAllBytes(path);
        for (int length = 0; length < bytes.Length; length += 1 + length / 50)
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.True(Model.LoadMetadata(path).Count <= 3);
        }
    }
}
