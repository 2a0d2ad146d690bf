using System.Text.Json;
using Tersor.Onnx.Files;

namespace Tersor.Data.Sources;

/// <summary>The boundary to files: what is missing, unreadable or broken is a <see cref="DataException"/> with the file's name.</summary>
internal static class Files
{
    /// <summary>The files that match, in ordinal order of their paths relative to the folder, with / as separator.</summary>
    public static string[] In(string folder, string pattern, bool nested, Func<string, bool> wanted)
    {
        if (!Directory.Exists(folder))
            throw new DataException($"Folder '{folder}' does not exist.{(File.Exists(folder) ? " It is a file." : "")}");
        EnumerationOptions options = new() { RecurseSubdirectories = nested, MaxRecursionDepth = 8, MatchCasing = MatchCasing.CaseSensitive };
        string[] files;
        try
        {
            files = [.. Directory.EnumerateFiles(folder, pattern, options).Where(wanted)
                .Select(f => Path.GetRelativePath(folder, f).Replace(Path.DirectorySeparatorChar, '/')).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (IsAboutContents(e))
        {
            throw new DataException($"Folder '{folder}' cannot be searched for '{pattern}': {FirstLine(e)}", e);
        }
        return files.Length > 0 ? files : throw new DataException($"Folder '{folder}' holds no file that matches '{pattern}' and can be read here.");
    }

    public static string Existing(string path) => File.Exists(path) ? path : throw new DataException($"File '{path}' does not exist.");

    /// <summary>A path that was written down somewhere, made absolute.</summary>
    public static string FullPath(string path)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
            throw new DataException($"'{path.Replace("\0", "\\0", StringComparison.Ordinal)}' is no name of a file or folder.");
        return Path.GetFullPath(path);
    }

    /// <summary>Reads a file by <paramref name="read"/>; the system's refusals, and whatever its contents make reading trip over, become a message with the path.</summary>
    public static T Read<T>(string path, Func<string, T> read)
    {
        try
        {
            InputFile.Require(Existing(path));
            return read(path);
        }
        catch (Exception e) when (IsAboutContents(e))
        {
            throw new DataException($"File '{path}' cannot be read: {FirstLine(e)}", e);
        }
    }

    /// <summary>Exceptions that a file, its place or what it holds can bring about in code that reads it.</summary>
    private static bool IsAboutContents(Exception e) => e is IOException or UnauthorizedAccessException or InvalidDataException or JsonException or ArgumentException or ArithmeticException or FormatException
        or IndexOutOfRangeException or InvalidOperationException or InvalidCastException or NotSupportedException or KeyNotFoundException;

    private static string FirstLine(Exception e) => e.Message.Split('\n')[0].TrimEnd('\r');
}
