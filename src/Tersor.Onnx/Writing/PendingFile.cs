using System.Diagnostics;
using System.Globalization;

namespace Tersor.Onnx.Writing;

/// <summary>A file under a temporary name beside its final one, until <see cref="Commit"/> renames it. Disposed before that, it leaves nothing.</summary>
internal sealed class PendingFile : IDisposable
{
    /// <summary>Between the final name and process and number in every temporary name.</summary>
    public const string Mark = ".tersor-";

    private static int counter;
    private FileStream? stream;
    private bool committed;

    public PendingFile(string finalPath)
    {
        FinalPath = finalPath;
        string folder = Path.GetDirectoryName(finalPath)!;
        Directory.CreateDirectory(folder);
        TemporaryPath = TemporaryName(finalPath);
        stream = new(TemporaryPath, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
    }

    public string FinalPath { get; }

    public string TemporaryPath { get; }

    public Stream Stream => stream ?? throw new InvalidOperationException("The file is closed.");

    /// <summary>A data file for the model at <paramref name="modelPath"/>, under a name no file has: the model being replaced may still need the old one.</summary>
    public static PendingFile ForData(string modelPath)
    {
        string path = modelPath + ".data";
        for (int i = 1; File.Exists(path) || Directory.EnumerateFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + Mark + "*").Any(); i++)
            path = $"{modelPath}.{i}.data";
        return new(path);
    }

    /// <summary>A name beside <paramref name="finalPath"/> that no other write uses.</summary>
    public static string TemporaryName(string finalPath) => $"{finalPath}{Mark}{Environment.ProcessId}-{Interlocked.Increment(ref counter)}";

    /// <summary>Everything written reaches the disk; the temporary file stays.</summary>
    public void Close()
    {
        stream?.Flush(flushToDisk: true);
        stream?.Dispose();
        stream = null;
        if (!OperatingSystem.IsWindows() && File.Exists(FinalPath))
            File.SetUnixFileMode(TemporaryPath, File.GetUnixFileMode(FinalPath)); // who could read the old file can read the new one
    }

    /// <summary>Gives the file its final name, replacing what had it.</summary>
    public void Commit()
    {
        if (committed)
            return;
        Close();
        File.Move(TemporaryPath, FinalPath, overwrite: true);
        committed = true;
    }

    /// <summary>Nothing is to be kept; <see cref="Commit"/> then does nothing.</summary>
    public void Discard()
    {
        Close();
        File.Delete(TemporaryPath);
        committed = true;
    }

    /// <summary>Takes a committed file back.</summary>
    public void Revoke()
    {
        if (committed && File.Exists(FinalPath))
            File.Delete(FinalPath);
    }

    public void Dispose()
    {
        if (committed)
            return;
        try
        {
            stream?.Dispose(); // on a full disk its last bytes fail to be written once more
        }
        catch (IOException)
        {
            // The write has failed already and says so; what counts here is that the file goes.
        }
        File.Delete(TemporaryPath);
    }

    /// <summary>True for a temporary file whose process has ended.</summary>
    public static bool IsAbandoned(string path)
    {
        string[] tail = path[(path.LastIndexOf(Mark, StringComparison.Ordinal) + Mark.Length)..].Split('-', '.');
        return tail.Length >= 2 && int.TryParse(tail[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process) && process != Environment.ProcessId && !IsRunning(process);
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using Process running = Process.GetProcessById(process);
            return !running.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
