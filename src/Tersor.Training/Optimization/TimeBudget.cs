namespace Tersor.Training.Optimization;

/// <summary>The time a run may take, and what is left of it. It begins when it is made.</summary>
/// <param name="limit">The time; null: as long as it takes.</param>
/// <param name="clock">What tells the time.</param>
internal sealed class TimeBudget(TimeSpan? limit, TimeProvider clock)
{
    private readonly long began = clock.GetTimestamp();
    private TimeSpan judging;
    private long stepsMade, firstStep;

    /// <summary>Whether only the time that it takes to judge the model once more is left.</summary>
    public bool IsSpent => limit is { } most && clock.GetElapsedTime(began) + judging >= most;

    /// <summary>The time allowed, in words.</summary>
    public string Words => limit is { TotalMinutes: >= 2 } minutes ? $"{minutes.TotalMinutes:0.#} minutes" : limit == TimeSpan.FromSeconds(1) ? "1 second" : $"{limit?.TotalSeconds:0.#} seconds";

    /// <summary>Measures how long judging takes, so that there is time left for it.</summary>
    public T Judged<T>(Func<T> judge)
    {
        long start = clock.GetTimestamp();
        T result = judge();
        judging = clock.GetElapsedTime(start);
        return result;
    }

    /// <summary>Told after every step.</summary>
    public void StepMade()
    {
        if (stepsMade++ == 0)
            firstStep = clock.GetTimestamp(); // the first one is slow: memory is taken
    }

    /// <summary>How long it takes to make some more steps, at the pace so far and within the limit; null before there is a pace.</summary>
    public TimeSpan? Left(long steps)
    {
        TimeSpan? bound = limit is { } most ? TimeSpan.FromTicks(Math.Max((most - clock.GetElapsedTime(began)).Ticks, 0)) : null;
        if (stepsMade < 2)
            return bound;
        TimeSpan expected = clock.GetElapsedTime(firstStep) / (stepsMade - 1) * steps;
        return bound < expected ? bound : expected;
    }
}
