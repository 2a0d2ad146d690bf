using Tersor.Onnx.Files;

namespace Tersor.Cli.Parsing;

/// <summary>Keeps a command from writing over what it reads, and from working long for a place it cannot write to.</summary>
internal static class OutputPath
{
    /// <summary>Refuses an output that is one of the inputs, or no file, or lies where nothing can be written.</summary>
    /// <exception cref="UsageException">It is one of the inputs, or a folder.</exception>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    public static void Check(string output, bool force, params ReadOnlySpan<string> inputs)
    {
        if (Directory.Exists(output))
            throw new UsageException($"The output '{output}' is a folder; give the name of a file.");
        foreach (string input in inputs)
        {
            if (!force && AreSame(output, input))
                throw new UsageException($"The output '{output}' is the input itself. Give another name, or --force to replace the input.");
        }
        RequireWritable(OutputFile.Target(output));
    }

    /// <summary>Whether two paths lead to one file.</summary>
    public static bool AreSame(string a, string b) => Resolve(a) == Resolve(b);

    /// <summary>Makes a file and drops it in the nearest folder that exists: the others are made when the result is written.</summary>
    private static void RequireWritable(string output)
    {
        string? folder = Path.GetDirectoryName(Path.GetFullPath(output));
        while (folder is not null && !Directory.Exists(folder))
        {
            if (File.Exists(folder))
                throw new IOException($"{output} cannot be written: {folder} is a file, and a folder is expected.");
            folder = Path.GetDirectoryName(folder);
        }
        if (folder is null)
            throw new IOException($"{output} cannot be written: there is no such drive.");
        try
        {
            using FileStream probe = new(Path.Combine(folder, $".tersor-{Environment.ProcessId}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{output} cannot be written: no file can be made in {folder}.", e);
        }
    }

    private static string Resolve(string path)
    {
        string full = Path.GetFullPath(path);
        return File.Exists(full) ? new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full : full;
    }
}
