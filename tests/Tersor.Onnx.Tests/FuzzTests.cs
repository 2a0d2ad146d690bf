using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class FuzzTests
{
    [Fact]
    public void Broken_files_give_a_named_error_or_a_model_that_survives_a_round_trip()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-fuzz-");
        MutationFuzzer fuzzer = new(MutationFuzzer.DefaultSeeds(), seed: 20261122);
        fuzzer.Run(TimeSpan.FromSeconds(2), folder.FullName, maxFailures: 3);
        Assert.True(fuzzer.Failures.Count == 0, string.Join('\n', fuzzer.Failures)); // the files stay for whoever looks into it
        folder.Delete(recursive: true);
        Assert.True(fuzzer.Runs > 100);
        Assert.True(fuzzer.Accepted > 0);
        Assert.True(fuzzer.Messages.Count > 3);
    }
}
