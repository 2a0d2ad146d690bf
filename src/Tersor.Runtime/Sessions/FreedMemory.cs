using System.Runtime.InteropServices;

namespace Tersor.Runtime;

/// <summary>Gives back to the system what the engine has freed: the C library keeps it, and a search that loads one model after the other would seem to need all of them at once.</summary>
/// <remarks>Only with glibc; elsewhere there is nothing to do. See malloc_trim(3).</remarks>
internal static class FreedMemory
{
    private static bool absent = !OperatingSystem.IsLinux();

    /// <summary>Gives it back.</summary>
    public static void GiveBack()
    {
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
