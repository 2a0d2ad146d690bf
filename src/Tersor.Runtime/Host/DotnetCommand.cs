using System.Runtime.InteropServices;

namespace Tersor.Runtime;

/// <summary>The command <c>dotnet</c> of this machine.</summary>
public static class DotnetCommand
{
    /// <summary>The one this process runs by, else the one of DOTNET_ROOT, else the first of PATH.</summary>
    /// <exception cref="RuntimeException">There is none.</exception>
    public static string Path => Candidates().FirstOrDefault(File.Exists)
        ?? throw new RuntimeException("There is no 'dotnet' command to start a child process with; install the .NET 10 runtime or set DOTNET_ROOT.");

    private static IEnumerable<string> Candidates()
    {
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        // .../shared/Microsoft.NETCore.App/10.0.x/ → .../dotnet
        yield return System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root)
            yield return System.IO.Path.Combine(root, name);
        if (Environment.ProcessPath is { } self && System.IO.Path.GetFileName(self) == name)
            yield return self;
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return System.IO.Path.Combine(folder, name);
    }
}
