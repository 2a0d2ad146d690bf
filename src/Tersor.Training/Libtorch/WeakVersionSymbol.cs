using System.Buffers.Binary;
using System.Text;

namespace Tersor.Training.Libtorch;

/// <summary>Marks one symbol version that a shared library asks for as weak, so that it loads where the version is missing.</summary>
/// <remarks>
/// GLIBCXX_3.4.32, which TorchSharp's library asks for, is a mere marker of GCC 13 without a symbol that is used; Debian 12 and Ubuntu 22.04 have older C++ libraries.
/// Source: System V ABI, Linux Standard Base 5.0 Core, sections 10.7.2-10.7.4 (version requirements, flag VER_FLG_WEAK).
/// </remarks>
internal static class WeakVersionSymbol
{
    private const uint VersionRequirements = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 2; // VER_FLG_WEAK

    /// <summary>Changes a 64-bit little-endian ELF file in memory.</summary>
    /// <param name="elf">The whole file.</param>
    /// <param name="version">Name of the version, such as GLIBCXX_3.4.32.</param>
    /// <returns>How many entries were marked; 0 where it asks for no such version or is no such file.</returns>
    public static int Mark(Span<byte> elf, string version)
    {
        if (elf.Length < 64 || !elf[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
            return 0;
        try
        {
            return MarkEntries(elf, version);
        }
        catch (ArgumentOutOfRangeException) // a table that points outside of the file
        {
            return 0;
        }
    }

    private static int MarkEntries(Span<byte> elf, string version)
    {
        int marked = 0, sections = Long(elf, 0x28), size = Short(elf, 0x3A), count = Short(elf, 0x3C);
        for (int i = 0; i < count; i++)
        {
            int section = sections + i * size;
            if ((uint)Int(elf, section + 4) != VersionRequirements)
                continue;
            int names = Long(elf, sections + Int(elf, section + 0x28) * size + 0x18);
            for (int need = Long(elf, section + 0x18), step = -1; step != 0; need += step)
            {
                int entry = need + Int(elf, need + 8);
                for (int left = Short(elf, need + 2); left > 0; left--)
                {
                    if (Text(elf, names + Int(elf, entry + 8)) == version)
                    {
                        BinaryPrimitives.WriteUInt16LittleEndian(elf[(entry + 4)..], (ushort)(Short(elf, entry + 4) | Weak));
                        marked++;
                    }
                    entry += Int(elf, entry + 12);
                }
                step = Int(elf, need + 12);
            }
        }
        return marked;
    }

    private static int Short(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf[at..]);

    private static int Int(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadInt32LittleEndian(elf[at..]);

    private static int Long(ReadOnlySpan<byte> elf, int at) => checked((int)BinaryPrimitives.ReadInt64LittleEndian(elf[at..]));

    private static string Text(ReadOnlySpan<byte> elf, int at) => Encoding.ASCII.GetString(elf[at..][..elf[at..].IndexOf((byte)0)]);
}
