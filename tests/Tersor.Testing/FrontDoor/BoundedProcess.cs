using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Tersor.Testing.FrontDoor;

/// <summary>How a process ended.</summary>
/// <param name="ExitCode">What it gave back; 128 and more: a signal.</param>
/// <param name="Out">Its stdout.</param>
/// <param name="Error">Its stderr.</param>
/// <param name="Time">How long it took.</param>
/// <param name="PeakBytes">Most resident memory of it and its children together.</param>
/// <param name="Exceeded">What bound ended it, or null.</param>
internal sealed record ProcessOutcome(int ExitCode, string Out, string Error, TimeSpan Time, long PeakBytes, string? Exceeded);

/// <summary>Runs a program within bounds of time, resident memory and output; what exceeds one is killed with all its children.</summary>
internal static class BoundedProcess
{
    private const int MostOutput = 8 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs it to its end.</summary>
    /// <param name="program">The file to start.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Its current folder.</param>
    /// <param name="environment">Variables to set; null takes one away.</param>
    /// <param name="time">Longest time.</param>
    /// <param name="bytes">Most resident memory.</param>
    public static ProcessOutcome Run(string program, IEnumerable<string> arguments, string folder, IEnumerable<(string Name, string? Value)> environment, TimeSpan time, long bytes)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        Stopwatch watch = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = Read(process.StandardOutput.BaseStream), error = Read(process.StandardError.BaseStream);
        long peak = 0;
        string? exceeded = null;
        while (!process.WaitForExit(Interval))
        {
            peak = Math.Max(peak, Resident(process.Id));
            exceeded = watch.Elapsed > time ? $"took longer than {time.TotalSeconds:0} s" : peak > bytes ? $"took more than {bytes >> 20} MB of memory" : null;
            if (exceeded is null)
                continue;
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            break;
        }
        TimeSpan took = watch.Elapsed;
        // A child that outlives the process would hold its streams open.
        if (!Task.WaitAll([output, error], TimeSpan.FromSeconds(5)))
            return new(process.ExitCode, "", "", took, peak, exceeded ?? "left a child behind");
        return new(process.ExitCode, output.Result, error.Result, took, peak, exceeded);
    }

    private static async Task<string> Read(Stream stream)
    {
        using MemoryStream kept = new();
        byte[] chunk = new byte[1 << 16];
        for (int read; (read = await stream.ReadAsync(chunk)) > 0;)
        {
            if (kept.Length < MostOutput)
                kept.Write(chunk, 0, read);
        }
        return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
    }

    /// <summary>Resident bytes of a process and all below it; 0 where the system does not tell.</summary>
    private static long Resident(int process)
    {
        try
        {
            long pages = long.Parse(File.ReadAllText($"/proc/{process}/statm").Split(' ')[1], CultureInfo.InvariantCulture);
            return (pages * Environment.SystemPageSize) + Directory.EnumerateDirectories($"/proc/{process}/task").SelectMany(Children).Sum(Resident);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // gone meanwhile
        }
    }

    private static IEnumerable<int> Children(string thread) =>
        File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture));
}
