using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Tersor.Runtime.Guard;

/// <summary>One child process, which serves one request after another. It ends with this object, and with this process however that ends.</summary>
internal sealed class GuardedProcess : IDisposable
{
    private const int PollMilliseconds = 10;
    private readonly Process process;
    private readonly SemaphoreSlim answered = new(0);
    private readonly StringBuilder errors = new();
    private long peak;

    private GuardedProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data?.StartsWith(GuardChild.Mark, StringComparison.Ordinal) == true)
                answered.Release();
        };
        process.ErrorDataReceived += (_, e) =>
        {
            lock (errors)
            {
                if (errors.Length < 4000)
                    errors.AppendLine(e.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => process.Id;

    public bool IsAlive => !process.HasExited;

    /// <exception cref="RuntimeException">It cannot be started.</exception>
    public static GuardedProcess Start()
    {
        try
        {
            return new(Process.Start(GuardHost.StartInfo())!);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            throw new RuntimeException($"A child process cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Sends a request and waits for its end, whichever that is.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the child is gone.</exception>
    public (GuardResult Result, GuardResponse? Response) Serve(GuardRequest request, TimeSpan time, long memory, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = cancellation.Register(Kill);
        long start = Stopwatch.GetTimestamp();
        TimeSpan cpu = default;
        peak = 0;
        try
        {
            process.StandardInput.WriteLine(JsonSerializer.Serialize(request, GuardJson.Default.GuardRequest));
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It died before it read: the loop below finds out how.
        }
        while (!answered.Wait(PollMilliseconds, CancellationToken.None))
        {
            cancellation.ThrowIfCancellationRequested();
            if (process.HasExited)
            {
                process.WaitForExit(); // until its output is read to the end
                cancellation.ThrowIfCancellationRequested();
                return (Failed(GuardOutcome.Crash, DescribeExit()), null);
            }
            Poll(ref cpu);
            if (peak > memory)
            {
                Kill();
                return (Failed(GuardOutcome.MemoryExceeded, $"It used {Megabytes(peak)} of memory; allowed are {Megabytes(memory)} (--memory-limit)."), null);
            }
            if (Stopwatch.GetElapsedTime(start) > time)
            {
                Kill();
                return (Failed(GuardOutcome.Timeout, $"It had not finished after {time.TotalSeconds:0.#} s."), null);
            }
        }
        GuardResponse response = JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(request.Folder, "response.json")), GuardJson.Default.GuardResponse)!;
        GuardResult result = new(response.Error is null ? GuardOutcome.Success : GuardOutcome.EngineError, response.Error ?? "")
        {
            PeakMemoryBytes = Math.Max(peak, response.PeakMemoryBytes),
            BaseMemoryBytes = response.BaseMemoryBytes,
            CpuTime = TimeSpan.FromSeconds(response.CpuSeconds),
            LoadTime = TimeSpan.FromSeconds(response.LoadSeconds),
            RunTime = TimeSpan.FromSeconds(response.RunSeconds),
        };
        return (result, response);

        GuardResult Failed(GuardOutcome outcome, string reason) => new(outcome, reason) { PeakMemoryBytes = peak, CpuTime = cpu };
    }

    public void Dispose()
    {
        Kill();
        process.Dispose();
        answered.Dispose();
    }

    private void Poll(ref TimeSpan cpu)
    {
        try
        {
            process.Refresh();
            peak = Math.Max(peak, process.WorkingSet64);
            cpu = process.TotalProcessorTime;
        }
        catch (InvalidOperationException)
        {
            // It has just ended.
        }
    }

    private void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: false);
            process.WaitForExit();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended already.
        }
    }

    private string DescribeExit()
    {
        int code = process.ExitCode;
        string cause = code switch
        {
            134 => "it aborted (SIGABRT)",
            136 => "of an arithmetic fault (SIGFPE)",
            137 => "something killed it, perhaps for want of memory (SIGKILL)",
            139 or unchecked((int)0xC0000005) => "of an access outside its memory (SIGSEGV)",
            135 => "of a bus error (SIGBUS)",
            132 => "of an illegal instruction (SIGILL)",
            > 128 and < 160 => $"of signal {code - 128}",
            _ => $"with exit code {code}",
        };
        string text;
        lock (errors)
            text = errors.ToString();
        string? line = text.Split('\n').Select(l => l.Trim()).FirstOrDefault(l => l.Length > 0);
        return $"ONNX Runtime's process died: {cause}{(line is null ? "." : $" ({EngineMessages.Clean(line)}).")}";
    }

    private static string Megabytes(long bytes) => $"{bytes >> 20} MB";
}
