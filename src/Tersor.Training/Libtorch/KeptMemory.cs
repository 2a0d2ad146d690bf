using System.Runtime.InteropServices;

namespace Tersor.Training.Libtorch;

/// <summary>Has the C library keep what libtorch gives back. It would return every large tensor to the system, and take it back page by page, each filled with zeros: a third to two thirds of the time of a small network's step.</summary>
/// <remarks>Only with glibc; elsewhere there is nothing to set. See mallopt(3).</remarks>
internal static class KeptMemory
{
    private const int TrimThreshold = -1, TopPad = -2, MapThreshold = -3; // M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD

    private const int LargestOfOld = 32 << 20;

    /// <summary>What is taken from the system beyond what was asked for.</summary>
    private const int Ahead = 64 << 20;

    /// <summary>Whoever set one of these has settings of their own.</summary>
    private static readonly string[] Variables = ["GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"];

    /// <summary>Sets it, for the whole process.</summary>
    public static void Keep()
    {
        if (!OperatingSystem.IsLinux() || Variables.Any(v => Environment.GetEnvironmentVariable(v) is not null))
            return;
        try
        {
            // Older versions refuse more than half of what one of their arenas holds; where neither is taken, the others would only do harm.
            if (SetOption(MapThreshold, int.MaxValue) == 0 && SetOption(MapThreshold, LargestOfOld) == 0)
                return;
            _ = SetOption(TrimThreshold, int.MaxValue);
            _ = SetOption(TopPad, Ahead);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library: nothing is lost but time.
        }
    }

    [DllImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetOption(int option, int value);
}
