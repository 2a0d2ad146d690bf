using static TorchSharp.torch;

namespace Tersor.Training.Libtorch;

/// <summary>Libtorch for one user at a time: its threads and its random numbers are the process's. Ended by the thread that began it.</summary>
internal sealed class LibtorchSession : IDisposable
{
    private static readonly Lock Users = new();

    private readonly int threads;
    private readonly FinalizerGate gate;

    /// <summary>Waits until nobody else uses it.</summary>
    /// <param name="threads">How many it computes with.</param>
    /// <exception cref="TrainingException">Libtorch is not there.</exception>
    public LibtorchSession(int threads)
    {
        LibtorchLoader.Require();
        Users.Enter();
        this.threads = get_num_threads();
        set_num_threads(threads);
        gate = FinalizerGate.Hold();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        gate.Dispose();
        set_num_threads(threads);
        Users.Exit();
    }
}
