using System.Text;

namespace Tersor.Cli.Tests;

/// <summary>Writes .npy files, version 1.0 of the format.</summary>
internal static class Npy
{
    public static void Write(string path, string type, int[] shape, IEnumerable<byte> content)
    {
        string dimensions = string.Concat(shape.Select(size => $"{size}, "));
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({dimensions}), }}";
        header = header.PadRight(((10 + header.Length + 1 + 63) / 64 * 64) - 11) + "\n";
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. content]);
    }
}
