using Tersor.Onnx;

namespace Tersor.Tables;

/// <summary>Where models lie while they are measured.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-tables-");

    /// <summary>Writes a model and gives its path.</summary>
    public string Save(Model model, string name)
    {
        string path = Path.Combine(folder.FullName, $"{name}.onnx");
        model.Save(path);
        return path;
    }

    public void Dispose() => folder.Delete(recursive: true);
}
