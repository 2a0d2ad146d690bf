using Google.Protobuf;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Writing;

/// <summary>The data files of a model on disk that were written with it: the weights of a large model lie beside it.</summary>
public static class ModelDataFiles
{
    /// <summary>True for a name this library gives: the model's, perhaps a number, and <c>.data</c>. Files named otherwise are somebody else's.</summary>
    internal static bool IsOurs(string modelPath, string name)
    {
        string prefix = Path.GetFileName(modelPath) + ".";
        return name.StartsWith(prefix, StringComparison.Ordinal) && name.AsSpan(prefix.Length) is "data" or [.., '.', 'd', 'a', 't', 'a'] && !name.Contains('/') && !name.Contains('\\')
            && name.AsSpan(prefix.Length).TrimEnd("data").TrimEnd('.').IndexOfAnyExceptInRange('0', '9') < 0;
    }

    /// <summary>Those the model under its final name refers to, as full paths; none when it is absent or unreadable: then nothing is ours to delete.</summary>
    public static IReadOnlyList<string> Of(string modelPath)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
        if (!File.Exists(modelPath) || !Directory.EnumerateFiles(folder, $"{Path.GetFileName(modelPath)}.*data").Any())
            return [];
        try
        {
            using FileStream stream = File.OpenRead(modelPath);
            return [.. (ModelProto.Parser.ParseFrom(stream).Graph?.Initializer ?? [])
                .SelectMany(t => t.ExternalData).Where(e => e.Key == "location").Select(e => e.Value).Distinct()
                .Where(name => IsOurs(modelPath, name)).Select(name => Path.Combine(folder, name)).Where(File.Exists)];
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or IOException or ArgumentException)
        {
            return [];
        }
    }
}
