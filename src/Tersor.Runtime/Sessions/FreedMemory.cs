using System.Runtime.InteropServices;

namespace Tersor.Runtime;

/// <summary>Gives back to the system what nobody needs any more: the C library keeps what the engine has freed, and the runtime puts off looking for large arrays that are garbage.
/// A search that loads one model after the other would seem to need all of them at once.</summary>
/// <remarks>The first only with glibc, see malloc_trim(3); elsewhere there is nothing to do.</remarks>
internal static class FreedMemory
{
    /// <summary>Bytes allocated by managed code after which a full collection is worth its few milliseconds.</summary>
    private const long WorthCollecting = 64L << 20;

    private static long collectedAt;
    private static bool absent = !OperatingSystem.IsLinux();

    /// <summary>Gives it back.</summary>
    public static void GiveBack()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        if (allocated - Interlocked.Read(ref collectedAt) > WorthCollecting)
        {
            Interlocked.Exchange(ref collectedAt, allocated);
            GC.Collect();
        }
        if (absent)
            return;
        try
        {
            _ = Trim(0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            absent = true; // another C library
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Trim(nuint pad);
}
