using System.Diagnostics;

namespace Tersor.Cli.Tests;

/// <summary>Nothing is kept or sent that nobody asked for: what is left under the home folder and the temporary one is looked at, whatever the engine would do by itself.</summary>
public sealed class PrivacyTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("optimize")]
    [InlineData("bench")]
    [InlineData("quantize")]
    public async Task A_command_leaves_nothing_in_a_fresh_home_or_temporary_folder(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows finds these folders otherwise.");
        string model = folder.At("model.onnx"), home = folder.At("home"), temporary = folder.At("tmp"), work = folder.At("work");
        foreach (string made in new[] { home, temporary, work })
            Directory.CreateDirectory(made);
        SmallModels.Dense().Save(model);
        string[] arguments = command switch
        {
            "bench" => ["bench", model, "--rounds", "3"],
            "quantize" => ["quantize", model, "-o", folder.At("out.onnx"), "--data", "random,count=4,input=1x2", "--no-cache"],
            _ => [command, model, "-o", folder.At("out.onnx")],
        };
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [typeof(CommandLine).Assembly.Location, .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = work,
        };
        (start.Environment["HOME"], start.Environment["TMPDIR"]) = (home, temporary);
        foreach (string silences in new[] { "CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME", "XDG_DATA_HOME" })
            start.Environment.Remove(silences);
        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode is ExitCodes.Done or ExitCodes.NoGain, $"{error}\n{await said}");
        Assert.Empty(new[] { home, temporary, work }.SelectMany(f => Directory.EnumerateFileSystemEntries(f, "*", SearchOption.AllDirectories)));
    }
}
