using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace Tersor.Onnx.Files;

/// <summary>A file that appears under its name complete or not at all: it is written under a temporary name beside it, until <see cref="Commit"/> renames it. Disposed before that, it leaves nothing.</summary>
/// <remarks>Whoever may write to a folder can rename a file over a device or a pipe that lies there, which then is gone: only regular files are replaced, and a link stays one.</remarks>
public sealed class OutputFile : IDisposable
{
    /// <summary>Between the final name and process and number in every temporary name.</summary>
    internal const string Mark = ".tersor-";

    /// <summary>Bytes of a name that file systems allow, and of one to which a temporary name adds.</summary>
    private const int LongestName = 255, LongestStem = 200;

    private static int counter;
    private FileStream? stream;
    private bool committed;

    /// <summary>Begins a file. Its folder is made where it is not there.</summary>
    /// <param name="path">The final name; a link is followed to what it leads to.</param>
    /// <exception cref="IOException">A folder, a device, a pipe or a socket has this name, or nothing can be written there.</exception>
    public OutputFile(string path)
    {
        FinalPath = Target(path);
        string folder = Path.GetDirectoryName(FinalPath)!;
        Directory.CreateDirectory(folder);
        foreach (string left in Directory.EnumerateFiles(folder, "*" + Mark + "*").Where(f => f.StartsWith(Stem(FinalPath) + Mark, StringComparison.Ordinal) && IsAbandoned(f) && !Path.HasExtension(f[(f.LastIndexOf(Mark, StringComparison.Ordinal) + Mark.Length)..])))
            File.Delete(left); // of a process that was killed; those with an ending say what else it left
        TemporaryPath = TemporaryName(FinalPath);
        stream = new(TemporaryPath, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
    }

    /// <summary>The name it gets in the end, links followed.</summary>
    public string FinalPath { get; }

    /// <summary>The name it has until then.</summary>
    public string TemporaryPath { get; }

    /// <summary>Whether closing waits until the disk has everything. Default: yes.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>What is written to.</summary>
    public Stream Stream => stream ?? throw new InvalidOperationException("The file is closed.");

    /// <summary>Writes a file as a whole.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="IOException">As for the constructor.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        using OutputFile file = new(path);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Writes a text file as a whole, in UTF-8 without a mark.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="write">Writes the text.</param>
    /// <exception cref="IOException">As for the constructor.</exception>
    public static void WriteText(string path, Action<TextWriter> write) => Write(path, stream =>
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        write(writer);
    });

    /// <summary>Copies a file as a whole.</summary>
    /// <param name="from">What is copied.</param>
    /// <param name="path">The copy's name.</param>
    /// <exception cref="IOException">As for the constructor; or the original cannot be read.</exception>
    public static void Copy(string from, string path)
    {
        using FileStream source = File.OpenRead(from);
        Write(path, source.CopyTo);
    }

    /// <summary>The file a name leads to, links followed, whether it is there yet or not.</summary>
    /// <exception cref="IOException">It is a folder, a device, a pipe or a socket, or links lead in a circle.</exception>
    public static string Target(string path)
    {
        string full = Path.GetFullPath(path), name = Path.GetFileName(full);
        if ((OperatingSystem.IsWindows() ? name.Length : Encoding.UTF8.GetByteCount(name)) is > LongestName and var length)
            throw new PathTooLongException($"{path} cannot be written: its name has {length} characters, and {LongestName} are allowed.");
        if (new FileInfo(full) is { LinkTarget: not null } link && link.ResolveLinkTarget(returnFinalTarget: true) is { } target)
            full = target.FullName;
        FileKind kind = FileKind.Of(full);
        return kind is { Exists: true, IsRegularFile: false } ? throw new IOException($"{path} cannot be written: it is {kind.Name}, and only files are replaced.") : full;
    }

    /// <summary>A data file for the model at <paramref name="modelPath"/>, under a name no file has: the model being replaced may still need the old one.</summary>
    internal static OutputFile ForData(string modelPath, bool durable)
    {
        // A name that leaves no room for the ending gives way to the beginning of it and a hash.
        string stem = Encoding.UTF8.GetByteCount(Path.GetFileName(modelPath)) <= LongestName - ".1000.data".Length ? modelPath : Stem(modelPath);
        string path = stem + ".data";
        for (int i = 1; File.Exists(path) || Directory.EnumerateFiles(Path.GetDirectoryName(path)!, Path.GetFileName(Stem(path)) + Mark + "*").Any(); i++)
            path = $"{stem}.{i}.data";
        return new(path) { Durable = durable };
    }

    /// <summary>A name beside <paramref name="finalPath"/> that no other write uses.</summary>
    internal static string TemporaryName(string finalPath) => $"{Stem(finalPath)}{Mark}{Environment.ProcessId}-{Interlocked.Increment(ref counter)}";

    /// <summary>What temporary names beside a file begin with: its name, or, where that is long, the beginning of it and a hash of the whole.</summary>
    internal static string Stem(string finalPath)
    {
        string name = Path.GetFileName(finalPath);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length <= LongestStem)
            return finalPath;
        int characters = name.Length;
        while (Encoding.UTF8.GetByteCount(name.AsSpan(0, characters)) > LongestStem - 2 * sizeof(ulong))
            characters -= char.IsLowSurrogate(name[characters - 1]) ? 2 : 1;
        return Path.Combine(Path.GetDirectoryName(finalPath)!, $"{name[..characters]}{XxHash3.HashToUInt64(bytes):x16}");
    }

    /// <summary>Nothing more is written; the temporary file stays.</summary>
    public void Close()
    {
        stream?.Flush(flushToDisk: Durable);
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
    internal void Discard()
    {
        Close();
        File.Delete(TemporaryPath);
        committed = true;
    }

    /// <summary>Takes a committed file back.</summary>
    internal void Revoke()
    {
        if (committed && File.Exists(FinalPath))
            File.Delete(FinalPath);
    }

    /// <inheritdoc/>
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
    internal static bool IsAbandoned(string path)
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
