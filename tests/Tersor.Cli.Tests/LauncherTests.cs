using System.Diagnostics;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>The launcher `tersor`, with a stand-in for the SDK that "builds" a two-line script.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string FakeDotnet = """
        #!/bin/sh
        if [ "$1" = --list-sdks ]; then echo "${FAKE_SDK:-10.0.100} [/nowhere]"; exit 0; fi
        echo built >>"$FAKE_LOG"
        [ -n "${FAKE_FAILS:-}" ] && echo "a.cs(1,1): error CS1: broken" && exit 1
        sleep "${FAKE_SLEEP:-0}"
        while [ "$1" != --output ]; do shift; done
        mkdir -p "$2"
        printf '#!/bin/sh\nprintf "%%s|" "$@"\npwd\nexit 7\n' >"$2/tersor"
        chmod +x "$2/tersor"
        """;

    private readonly TestFolder folder = new();
    private readonly Dictionary<string, string> environment = [];

    public LauncherTests()
    {
        if (OperatingSystem.IsWindows())
            return;
        Directory.CreateDirectory(folder.At("a repository", "eng"));
        Directory.CreateDirectory(folder.At("a repository", "src", "obj"));
        Directory.CreateDirectory(folder.At("bin"));
        Directory.CreateDirectory(folder.At("elsewhere"));
        foreach (string file in new[] { "tersor", "eng/build-launcher.sh", "global.json", "Directory.Build.props", "Directory.Packages.props" })
            File.Copy(Path.Combine(SharedFiles.Repository, file), folder.At("a repository", file));
        File.WriteAllText(folder.At("a repository", "src", "a.cs"), "");
        File.WriteAllText(folder.At("bin", "dotnet"), FakeDotnet.ReplaceLineEndings("\n"));
        File.SetUnixFileMode(folder.At("bin", "dotnet"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        environment["PATH"] = $"{folder.At("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        environment["FAKE_LOG"] = folder.At("log");
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_first_call_builds_and_the_second_does_not()
    {
        Skip();
        (int code, string output, string error) = await Launch("demo", "two words");
        Assert.Equal((7, $"demo|two words|{folder.At("elsewhere")}\n"), (code, output));
        Assert.Contains("building", error);
        Assert.Equal((7, "x|" + folder.At("elsewhere") + "\n", ""), await Launch("x"));
        Assert.Single(Builds());
    }

    [Fact]
    public async Task A_newer_source_is_built_and_a_newer_intermediate_file_is_not()
    {
        Skip();
        await Launch();
        string current = Directory.GetFiles(folder.At("a repository", "artifacts", "launcher"), "current").Single();
        File.SetLastWriteTimeUtc(current, DateTime.UtcNow.AddSeconds(-5));
        File.SetLastWriteTimeUtc(folder.At("a repository", "src", "a.cs"), DateTime.UtcNow.AddSeconds(-60));
        foreach (string file in new[] { "global.json", "Directory.Build.props", "Directory.Packages.props" })
            File.SetLastWriteTimeUtc(folder.At("a repository", file), DateTime.UtcNow.AddSeconds(-60));
        File.WriteAllText(folder.At("a repository", "src", "obj", "made.cs"), "");
        await Launch();
        Assert.Single(Builds());
        File.SetLastWriteTimeUtc(folder.At("a repository", "src", "a.cs"), DateTime.UtcNow);
        await Launch();
        Assert.Equal(2, Builds().Length);
    }

    [Fact]
    public async Task Two_first_calls_at_once_build_once()
    {
        Skip();
        environment["FAKE_SLEEP"] = "1";
        var both = await Task.WhenAll(Launch("a"), Launch("b"));
        Assert.Equal([7, 7], both.Select(r => r.Code));
        Assert.Single(Builds());
    }

    [Fact]
    public async Task The_lock_of_a_killed_build_is_taken_over()
    {
        Skip();
        Directory.CreateDirectory(folder.At("a repository", "artifacts", "launcher", "lock"));
        File.WriteAllText(folder.At("a repository", "artifacts", "launcher", "lock", "pid"), "999999999\n");
        Assert.Equal(7, (await Launch()).Code);
        Assert.Single(Builds());
    }

    [Fact]
    public async Task It_works_through_symbolic_links()
    {
        Skip();
        File.CreateSymbolicLink(folder.At("bin", "relative"), "../a repository/tersor");
        File.CreateSymbolicLink(folder.At("linked"), folder.At("bin", "relative"));
        Assert.Equal(7, (await Start(folder.At("linked"), "x")).Code);
        Assert.True(Directory.Exists(folder.At("a repository", "artifacts", "launcher")));
    }

    [Fact]
    public async Task Without_the_right_SDK_it_says_what_to_install()
    {
        Skip();
        environment["FAKE_SDK"] = "8.0.100";
        (int code, string output, string error) = await Launch();
        Assert.Equal((1, ""), (code, output));
        Assert.Contains(".NET 10 SDK", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task A_failed_build_shows_its_errors_and_is_tried_again()
    {
        Skip();
        environment["FAKE_FAILS"] = "yes";
        (int code, string output, string error) = await Launch();
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("error CS1: broken", error);
        environment.Remove("FAKE_FAILS");
        Assert.Equal(7, (await Launch()).Code);
    }

    private static void Skip() => Assert.SkipWhen(OperatingSystem.IsWindows(), "tests the launcher for Unix shells");

    private string[] Builds() => File.ReadAllLines(folder.At("log"));

    private Task<(int Code, string Output, string Error)> Launch(params string[] args) => Start(folder.At("a repository", "tersor"), args);

    private async Task<(int Code, string Output, string Error)> Start(string file, params string[] args)
    {
        ProcessStartInfo start = new(file, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.At("elsewhere") };
        foreach ((string key, string value) in environment)
            start.Environment[key] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }
}
