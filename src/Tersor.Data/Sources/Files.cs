namespace Tersor.Data.Sources;

/// <summary>Looks for files; what is missing is a <see cref="DataException"/>.</summary>
internal static class Files
{
    /// <summary>The files that match, in ordinal order of their paths relative to the folder, with / as separator.</summary>
    public static string[] In(string folder, string pattern, bool nested, Func<string, bool> wanted)
    {
        if (!Directory.Exists(folder))
            throw new DataException($"Folder '{folder}' does not exist.{(File.Exists(folder) ? " It is a file." : "")}");
        EnumerationOptions options = new() { RecurseSubdirectories = nested, MaxRecursionDepth = 8, MatchCasing = MatchCasing.CaseSensitive };
        string[] files = [.. Directory.EnumerateFiles(folder, pattern, options).Where(wanted)
            .Select(f => Path.GetRelativePath(folder, f).Replace(Path.DirectorySeparatorChar, '/')).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new DataException($"Folder '{folder}' holds no file that matches '{pattern}' and can be read here.");
    }

    public static string Existing(string path) => File.Exists(path) ? path : throw new DataException($"File '{path}' does not exist.");

    /// <summary>Reads a file by <paramref name="read"/>; the system's refusals become a message with the path.</summary>
    public static T Read<T>(string path, Func<string, T> read)
    {
        try
        {
            return read(Existing(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new DataException($"File '{path}' cannot be read: {e.Message}", e);
        }
    }
}
