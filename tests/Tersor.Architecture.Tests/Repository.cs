namespace Tersor.Architecture.Tests;

/// <summary>The checkout the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder that holds Tersor.slnx.</summary>
    public static string Root { get; } = Find(new(AppContext.BaseDirectory));

    /// <summary>Text of a file, with plain line ends.</summary>
    public static string Read(params string[] parts) => File.ReadAllText(Path.Combine([Root, .. parts])).ReplaceLineEndings("\n");

    /// <summary>Files of the checkout that are not build output, relative to it.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) => Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or ".git"))
        .Order(StringComparer.Ordinal);

    private static string Find(DirectoryInfo folder)
    {
        for (DirectoryInfo? current = folder; current is not null; current = current.Parent)
        {
            if (File.Exists(Path.Combine(current.FullName, "Tersor.slnx")))
                return current.FullName;
        }
        throw new InvalidOperationException("The tests run outside a checkout.");
    }
}
