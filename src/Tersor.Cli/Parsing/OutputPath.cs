namespace Tersor.Cli.Parsing;

/// <summary>Keeps a command from writing over what it reads.</summary>
internal static class OutputPath
{
    /// <summary>Refuses an output that is one of the inputs, or a folder.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public static void Check(string output, bool force, params ReadOnlySpan<string> inputs)
    {
        if (Directory.Exists(output))
            throw new UsageException($"The output '{output}' is a folder; give the name of a file.");
        foreach (string input in inputs)
        {
            if (!force && Resolve(output) == Resolve(input))
                throw new UsageException($"The output '{output}' is the input itself. Give another name, or --force to replace the input.");
        }
    }

    private static string Resolve(string path)
    {
        string full = Path.GetFullPath(path);
        return File.Exists(full) ? new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full : full;
    }
}
