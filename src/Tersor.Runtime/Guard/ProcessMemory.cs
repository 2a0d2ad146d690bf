using System.Diagnostics;

namespace Tersor.Runtime.Guard;

/// <summary>Resident memory of processes.</summary>
internal static class ProcessMemory
{
    public static (long Resident, long Peak) OfThis()
    {
        using Process process = Process.GetCurrentProcess();
        return (process.WorkingSet64, process.PeakWorkingSet64);
    }

    /// <summary>Lets this process's peak start anew; where the system cannot do that, it stays the peak since the start.</summary>
    public static void ResetPeak()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5"); // proc(5): resets VmHWM
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A sandbox without a writable /proc.
        }
    }
}
