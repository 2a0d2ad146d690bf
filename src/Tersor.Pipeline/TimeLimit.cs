using System.Diagnostics;

namespace Tersor.Pipeline;

/// <summary>How long a job may take: what is worth having only while there is time is left out, or broken off, once it is over.</summary>
internal sealed class TimeLimit(TimeSpan? most)
{
    private readonly long start = Stopwatch.GetTimestamp();

    /// <summary>No bound.</summary>
    public static TimeLimit None { get; } = new(null);

    /// <summary>Time that is left, never below zero; null without a bound.</summary>
    public TimeSpan? Left => most is not { } limit ? null : limit - Stopwatch.GetElapsedTime(start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>Whether time is up.</summary>
    public bool IsOver => Left == TimeSpan.Zero;

    /// <summary>A share of the time that is left, where that is less than what is asked for.</summary>
    public TimeSpan AtMost(TimeSpan asked, double share) => Left is { } left && left * share < asked ? left * share : asked;

    /// <summary>Runs a stage that can be done without.</summary>
    /// <param name="stage">Given what stops it, which is the caller's wish or the end of the time.</param>
    /// <param name="otherwise">The result where time does not suffice.</param>
    /// <param name="cancellation">The caller's wish to stop.</param>
    /// <exception cref="OperationCanceledException">The caller wishes to stop.</exception>
    public T Try<T>(Func<CancellationToken, T> stage, T otherwise, CancellationToken cancellation)
    {
        if (Left is not { } left)
            return stage(cancellation);
        if (left == TimeSpan.Zero)
            return otherwise;
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        source.CancelAfter(left);
        try
        {
            return stage(source.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return otherwise;
        }
    }
}
