using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using TorchSharp;

namespace Tersor.Training.Tests.Operators;

/// <summary>Tensors that operators make on their way are released when they are done.</summary>
public sealed class LeakTests
{
    [Fact]
    public void No_operator_leaves_tensors_behind()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Assert.Equal("", string.Join("; ", SharedFiles.BackendTests.Select(Leaked).OfType<string>()));
    }

    private static string? Leaked(string folder)
    {
        if (BackendTest.Load(folder, out _) is not { } test)
            return null;
        try
        {
            using GraphProgram program = new(test.Model);
            Dictionary<string, Tensor> inputs = test.Inputs.ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value));
            Run(); // constants, and what is worked out once
            long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            Run();
            long left = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
            foreach (Tensor input in inputs.Values)
                input.Dispose();
            return left == 0 ? null : $"{test.Name}: {left}";

            void Run()
            {
                foreach (object? result in program.Run(inputs))
                    (result as IDisposable)?.Dispose();
            }
        }
        catch (TrainingException)
        {
            return null; // what cannot run is another test's business
        }
    }
}
