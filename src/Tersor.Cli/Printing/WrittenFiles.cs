using Tersor.Onnx.Writing;

namespace Tersor.Cli.Printing;

/// <summary>The files a model was written to.</summary>
internal static class WrittenFiles
{
    /// <summary>The file's name; where its weights lie beside it, all names with their sizes.</summary>
    public static string Of(string path)
    {
        IReadOnlyList<string> beside = ModelDataFiles.Of(path);
        return beside.Count == 0 ? path : string.Join(" and ", beside.Prepend(path).Select(file => $"{file} ({Units.Bytes(new FileInfo(file).Length)})"));
    }
}
