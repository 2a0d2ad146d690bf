using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tersor.Cli.Tests;

/// <summary>Ctrl-C on a real process.</summary>
public sealed partial class InterruptionTests : IDisposable
{
    private const int Interrupt = 2;
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact(Timeout = 120_000)] // started where SIGINT is ignored, the run would go on for hours
    public async Task Ctrl_C_ends_a_run_with_code_130_and_leaves_nothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "sends a Unix signal");
        SmallModels.Classifier().Save(folder.At("model.onnx"));
        // Rounds for hours: the run ends only because it is stopped. A signal before the program listens ends it, too, but with another code; so wait for its first words.
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "tersor.dll"), "compare", folder.At("model.onnx"), folder.At("model.onnx"), "--rounds", "1000000"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration killed = TestContext.Current.CancellationToken.Register(() => process.Kill(entireProcessTree: true));
        Assert.Contains("made-up input", await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, Kill(process.Id, Interrupt));
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal("Stopped.", (await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ExitCodes.Interrupted, process.ExitCode);
        Assert.Equal(folder.At("model.onnx"), Assert.Single(Directory.GetFileSystemEntries(folder.Path)));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
