namespace Tersor.Onnx.Files;

/// <summary>A folder for what has to be a file for a while. Gone when disposed; of a process that was killed, the next one that makes such a folder removes it.</summary>
public sealed class ScratchFolder : IDisposable
{
    /// <summary>Name of the file in each that says it is in use.</summary>
    public const string LockName = ".lock";

    private const string Prefix = "tersor-";

    private static int swept;
    private readonly FileStream held; // as long as this is open, nobody takes the folder for abandoned

    /// <summary>Makes one in the temporary folder.</summary>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    public ScratchFolder()
    {
        string root = System.IO.Path.GetTempPath();
        if (Interlocked.Exchange(ref swept, 1) == 0)
            Sweep(root);
        try
        {
            Path = Directory.CreateTempSubdirectory(Prefix).FullName;
            held = new(At(LockName), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(root, "folder", e);
        }
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>A file in it.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!held.CanWrite)
            return; // disposed before
        held.Dispose();
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }

    /// <summary>What is said where nothing can be made in the temporary folder.</summary>
    internal static IOException Unwritable(string root, string what, Exception e) =>
        new($"No {what} can be made in {root}, where temporary files go: {e.Message} Make it writable, or name another in {(OperatingSystem.IsWindows() ? "TMP" : "TMPDIR")}.", e);

    /// <summary>Removes folders that nobody holds.</summary>
    internal static void Sweep(string root)
    {
        try
        {
            foreach (string folder in Directory.EnumerateDirectories(root, Prefix + "*"))
                RemoveAbandoned(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whether the temporary folder can be used is found out by using it.
        }
    }

    private static void RemoveAbandoned(string folder)
    {
        string path = System.IO.Path.Combine(folder, LockName);
        if (!File.Exists(path))
            return; // not one of these, or just being made
        try
        {
            using (FileStream mine = new(path, FileMode.Open, FileAccess.Write, FileShare.None))
            {
                // Whoever holds it has it locked, whatever container or host it runs in.
            }
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // In use, or another user's.
        }
    }
}
