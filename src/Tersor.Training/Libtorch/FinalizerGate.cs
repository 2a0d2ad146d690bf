using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tersor.Training.Libtorch;

/// <summary>Holds finalizers back while libtorch computes.</summary>
/// <remarks>TorchSharp makes an object for every plain number in a formula, hands libtorch its address, and lets go of it; where a collection falls between the two, the finalizer frees the number before it is read. That is rare, and gives an
/// error, or a wrong result. So the one thread that runs finalizers is kept waiting in one, and let go on between two steps of training, when nobody computes. Collections themselves run as always.</remarks>
internal sealed class FinalizerGate : IDisposable
{
    /// <summary>Seconds between two times that finalizers run.</summary>
    private const double Interval = 1;

    /// <summary>Finalizers run after that long even if nobody lets them: whoever waits for them would wait forever.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Reached = TimeSpan.FromSeconds(1);

    private static readonly Lock Holders = new();

    private static int holders;
    private static long closed;
    private static ManualResetEventSlim opened = new(initialState: true);

    private FinalizerGate()
    {
    }

    /// <summary>Closes the gate, until what is returned is disposed.</summary>
    public static FinalizerGate Hold()
    {
        lock (Holders)
        {
            if (holders++ == 0)
                Close();
        }
        return new();
    }

    /// <summary>Lets waiting finalizers run if it is time, and nobody else computes. Called between two computations.</summary>
    public static void LetThrough()
    {
        if (Stopwatch.GetElapsedTime(Volatile.Read(ref closed)).TotalSeconds < Interval)
            return;
        lock (Holders)
        {
            if (holders != 1)
                return;
            opened.Set();
            GC.WaitForPendingFinalizers();
            Close();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Holders)
        {
            if (--holders == 0)
                opened.Set();
        }
    }

    private static void Close()
    {
        opened = new(initialState: false);
        ManualResetEventSlim reached = new(); // not disposed: the finalizer may come to it late
        Drop(opened, reached);
        GC.Collect(0);
        // Where another finalizer takes its time, those behind it wait as well.
        reached.Wait(Reached);
        Volatile.Write(ref closed, Stopwatch.GetTimestamp());
    }

    // In a method of its own, so that nothing of it is left on the stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(ManualResetEventSlim open, ManualResetEventSlim reached) => _ = new Bar(open, reached);

    private sealed class Bar(ManualResetEventSlim open, ManualResetEventSlim reached)
    {
        ~Bar()
        {
            reached.Set();
            open.Wait(Longest);
        }
    }
}
