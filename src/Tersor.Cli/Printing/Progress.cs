using System.Diagnostics;
using Tersor.Pipeline;

namespace Tersor.Cli.Printing;

/// <summary>A progress bar on stderr for work of more than two seconds, and only where somebody watches.</summary>
internal sealed class Progress(Terminal terminal) : IProgress<JobProgress>, IProgress<double>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2), Interval = TimeSpan.FromMilliseconds(100);
    private readonly long start = Stopwatch.GetTimestamp();
    private readonly Lock drawing = new();
    private long drawn;
    private bool visible;
    private bool ended;

    /// <summary>What is being done, where the work itself does not say.</summary>
    public string Stage { get; set; } = "working";

    public void Report(double value) => Report(new JobProgress(Stage, value));

    public void Report(JobProgress value)
    {
        if (!terminal.ErrorIsInteractive || Stopwatch.GetElapsedTime(start) < Patience)
            return;
        lock (drawing)
        {
            if (ended || (visible && Stopwatch.GetElapsedTime(drawn) < Interval))
                return;
            (visible, drawn) = (true, Stopwatch.GetTimestamp());
            int filled = (int)Math.Clamp(value.Share * 30, 0, 30);
            terminal.Error.Write($"\r\u001b[K{value.Stage} [{new string('#', filled)}{new string('.', 30 - filled)}] {Math.Clamp(value.Share, 0, 1) * 100:0} %");
        }
    }

    /// <summary>Takes the bar away.</summary>
    public void Dispose()
    {
        lock (drawing)
        {
            ended = true;
            if (visible)
                terminal.Error.Write("\r\u001b[K");
        }
    }
}
