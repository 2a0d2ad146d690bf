using System.Diagnostics;
using Tersor.Pipeline;

namespace Tersor.Cli.Printing;

/// <summary>A progress bar on stderr for work of more than two seconds, and only where somebody watches.</summary>
internal sealed class Progress : IProgress<JobProgress>, IProgress<double>, IDisposable
{
    private readonly Terminal terminal;
    private readonly Timer? clock;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2), Interval = TimeSpan.FromMilliseconds(100);
    private readonly long start = Stopwatch.GetTimestamp();
    private readonly Lock drawing = new();
    private readonly TimeSpan? limit;
    private long drawn, stageStart;
    private string shownStage = "";
    private bool visible;
    private bool ended;

    /// <param name="terminal">Where it is drawn.</param>
    /// <param name="stage">What is being done, until and unless the work itself says; with it, seconds are counted where no share is known.</param>
    /// <param name="limit">How long the work may take, where that is bounded: what is left of it is shown. Otherwise what the stage will take about.</param>
    public Progress(Terminal terminal, string? stage = null, TimeSpan? limit = null)
    {
        this.limit = limit;
        this.terminal = terminal;
        Stage = stage ?? Stage;
        if (stage is not null && terminal.ErrorIsInteractive)
            clock = new(_ => Tick(), null, Patience, TimeSpan.FromSeconds(1));
    }

    /// <summary>What is being done, where the work itself does not say.</summary>
    public string Stage { get; } = "working";

    public void Report(double value) => Report(new JobProgress(Stage, value));

    public void Report(JobProgress value)
    {
        if (!terminal.ErrorIsInteractive || Stopwatch.GetElapsedTime(start) < Patience)
            return;
        lock (drawing)
        {
            if (ended || (drawn != 0 && Stopwatch.GetElapsedTime(drawn) < Interval))
                return;
            (visible, drawn) = (true, Stopwatch.GetTimestamp());
            if (value.Stage != shownStage)
                (shownStage, stageStart) = (value.Stage, drawn);
            int filled = (int)Math.Clamp(value.Share * 30, 0, 30);
            terminal.Draw($"{value.Stage} [{new string('#', filled)}{new string('.', 30 - filled)}] {Math.Clamp(value.Share, 0, 1) * 100:0} %{Left(value.Share)}");
        }
    }

    /// <summary>What is left of the time allowed, or about what the rest of the stage takes.</summary>
    private string Left(double share)
    {
        if (limit is { } most)
            return $", {Units.Time(most - Stopwatch.GetElapsedTime(start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero)} left";
        TimeSpan spent = Stopwatch.GetElapsedTime(stageStart);
        return share is > 0.02 and < 1 && spent > Patience ? $", about {Units.Time(spent * ((1 - share) / share))} left" : "";
    }

    /// <summary>Shows that work goes on, unless the work showed it itself.</summary>
    private void Tick()
    {
        lock (drawing)
        {
            if (ended || drawn != 0)
                return;
            visible = true;
            terminal.Draw($"{Stage}, {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
        }
    }

    /// <summary>Takes the bar away.</summary>
    public void Dispose()
    {
        clock?.Dispose();
        lock (drawing)
        {
            ended = true;
            if (visible)
                terminal.Draw("");
        }
    }
}
