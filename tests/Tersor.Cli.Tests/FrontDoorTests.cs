using Tersor.Testing.FrontDoor;

namespace Tersor.Cli.Tests;

/// <summary>A few runs of the real program on changed files; <c>benchmarks/Tersor.Fuzz --front-door</c> does as many as there is time for.</summary>
public sealed class FrontDoorTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Whatever_it_is_given_the_program_keeps_its_promises()
    {
        FrontDoorFuzzer fuzzer = new(new()
        {
            Tool = "dotnet",
            Leading = [Path.Combine(AppContext.BaseDirectory, "tersor.dll")],
            Seed = 20261201,
            Count = 12,
            Commands = ["inspect", "optimize", "eval"],
            Work = folder.At("work"),
            Kept = folder.At("kept"),
        });
        fuzzer.Run();
        Assert.Empty(fuzzer.Faults);
        Assert.Contains("| all | 12 |", fuzzer.Report);
    }
}
