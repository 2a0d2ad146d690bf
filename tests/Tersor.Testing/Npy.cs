using System.Text;

namespace Tersor.Testing;

/// <summary>Writes .npy files, version 1.0 of the format.</summary>
public static class Npy
{
    /// <summary>Writes one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="type">What numpy calls the element type: "&lt;f4".</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="content">The elements' bytes, row-major.</param>
    public static void Write(string path, string type, int[] shape, IEnumerable<byte> content)
    {
        string dimensions = string.Concat(shape.Select(size => $"{size}, "));
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({dimensions}), }}";
        header = header.PadRight(((10 + header.Length + 1 + 63) / 64 * 64) - 11) + "\n";
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. content]);
    }
}
