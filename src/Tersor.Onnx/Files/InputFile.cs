namespace Tersor.Onnx.Files;

/// <summary>A file that is read: one that ends. Opening a pipe would wait for ever, and a device has no size.</summary>
public static class InputFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="IOException">It is a folder, a device, a pipe or a socket.</exception>
    public static FileStream Open(string path)
    {
        Require(path);
        return File.OpenRead(path);
    }

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="most">Bytes it may have.</param>
    /// <exception cref="IOException">As for <see cref="Open"/>; or it has more bytes.</exception>
    public static byte[] ReadAll(string path, int most)
    {
        using FileStream file = Open(path);
        if (file.Length > most)
            throw new IOException($"{path} has {file.Length} bytes; expected at most {most}.");
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Refuses what is no file, links followed.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="IOException">It is a folder, a device, a pipe or a socket.</exception>
    public static void Require(string path)
    {
        if (!Path.Exists(path))
            throw new FileNotFoundException($"{path}: no such file.", path);
        FileKind kind = FileKind.Of(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        if (kind is { Exists: true, IsRegularFile: false })
            throw new IOException($"{path} is {kind.Name}; expected a file.");
    }
}
