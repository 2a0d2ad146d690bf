using Tersor.Training.Libtorch;
using Tersor.Training.Tests.Libtorch;

[assembly: AssemblyFixture(typeof(HeldFinalizers))]

namespace Tersor.Training.Tests.Libtorch;

/// <summary>Tests compute with libtorch outside of training runs too, side by side: finalizers are held back for all of them.</summary>
public sealed class HeldFinalizers : IDisposable
{
    private FinalizerGate gate;

    public HeldFinalizers()
    {
        LibtorchLoader.Require();
        gate = FinalizerGate.Hold();
    }

    /// <summary>Lets go, until what is returned is disposed.</summary>
    internal IDisposable LetGo()
    {
        gate.Dispose();
        GC.WaitForPendingFinalizers();
        return new Again(this);
    }

    public void Dispose() => gate.Dispose();

    private sealed class Again(HeldFinalizers all) : IDisposable
    {
        public void Dispose() => all.gate = FinalizerGate.Hold();
    }
}
