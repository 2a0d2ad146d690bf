using System.Runtime.CompilerServices;
using Tersor.Training.Libtorch;

namespace Tersor.Training.Tests.Libtorch;

/// <summary>Alone, because there is one thread in a process that runs finalizers.</summary>
[CollectionDefinition(nameof(FinalizerGateTests), DisableParallelization = true)]
[Collection(nameof(FinalizerGateTests))]
public sealed class FinalizerGateTests : IDisposable
{
    private readonly IDisposable again;
    private readonly FinalizerGate gate;

    public FinalizerGateTests(HeldFinalizers all)
    {
        again = all.LetGo();
        gate = FinalizerGate.Hold();
    }

    [Fact]
    public void What_is_dropped_is_not_finalized_until_it_is_let_through()
    {
        StrongBox<int> finalized = new();
        for (int i = 0; i < 100; i++)
            Drop(finalized);
        GC.Collect();
        Thread.Sleep(TimeSpan.FromSeconds(1.1));
        Assert.Equal(0, Volatile.Read(ref finalized.Value));
        FinalizerGate.LetThrough();
        Assert.Equal(100, Volatile.Read(ref finalized.Value));
        // And it is closed again.
        Drop(finalized);
        GC.Collect();
        FinalizerGate.LetThrough();
        Thread.Sleep(50);
        Assert.Equal(100, Volatile.Read(ref finalized.Value));
    }

    [Fact]
    public void Whoever_else_holds_it_is_waited_for()
    {
        StrongBox<int> finalized = new();
        using (FinalizerGate.Hold())
        {
            Drop(finalized);
            GC.Collect();
            Thread.Sleep(TimeSpan.FromSeconds(1.1));
            FinalizerGate.LetThrough();
            Assert.Equal(0, Volatile.Read(ref finalized.Value));
        }
        FinalizerGate.LetThrough();
        Assert.Equal(1, Volatile.Read(ref finalized.Value));
    }

    public void Dispose()
    {
        gate.Dispose();
        again.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(StrongBox<int> count) => _ = new Counted(count);

    private sealed class Counted(StrongBox<int> count)
    {
        ~Counted() => Interlocked.Increment(ref count.Value);
    }
}
