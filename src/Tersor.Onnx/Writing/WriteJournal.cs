using Tersor.Onnx.Files;

namespace Tersor.Onnx.Writing;

/// <summary>What a killed write leaves behind is found again: a list, beside the model, of data files that are either the new model's or the old one's.</summary>
internal sealed class WriteJournal : IDisposable
{
    private const string Ending = ".journal";
    private readonly string path;

    /// <summary>Notes the names before the first of them can become superfluous.</summary>
    public WriteJournal(string modelPath, IEnumerable<string> dataFiles)
    {
        path = OutputFile.TemporaryName(modelPath) + Ending;
        File.WriteAllLines(path, dataFiles.Select(f => Path.GetFileName(f)!));
    }

    /// <summary>The write is over, well or not: nothing is left behind.</summary>
    public void Dispose() => File.Delete(path);

    /// <summary>Whether a temporary file is one of a model's or of its data.</summary>
    private static bool IsOurs(string file, string modelPath) => new[] { modelPath, $"{modelPath}.data" }.Any(path => file.StartsWith(OutputFile.Stem(path), StringComparison.Ordinal));

    /// <summary>Deletes what killed processes left of earlier writes to this path: temporary files, and data files the model does not refer to.</summary>
    public static void CleanUp(string modelPath)
    {
        string folder = Path.GetDirectoryName(modelPath)!;
        if (!Directory.Exists(folder))
            return;
        string[] orphans = [.. Directory.EnumerateFiles(folder, "*" + OutputFile.Mark + "*").Where(f => IsOurs(f, modelPath) && OutputFile.IsAbandoned(f))];
        foreach (string journal in orphans.Where(o => o.EndsWith(Ending, StringComparison.Ordinal)))
        {
            HashSet<string> needed = [.. ModelDataFiles.Of(modelPath)];
            foreach (string name in File.ReadAllLines(journal).Where(name => ModelDataFiles.IsOurs(modelPath, name)))
            {
                if (!needed.Contains(Path.Combine(folder, name)))
                    File.Delete(Path.Combine(folder, name));
            }
        }
        foreach (string orphan in orphans)
            File.Delete(orphan);
    }
}
