using System.Diagnostics;

namespace Tersor.Runtime.Guard;

/// <summary>How to start this assembly as a process of its own from any application that uses it.</summary>
/// <remarks><c>dotnet exec</c> runs a library's entry point with the dependencies and the runtime of the application around it, be that a test runner, the command line or a user's program.</remarks>
internal static class GuardHost
{
    /// <exception cref="RuntimeException">There is no dotnet command, or the application is a single file.</exception>
    public static ProcessStartInfo StartInfo()
    {
#pragma warning disable IL3000 // Empty in a single-file application, which is asked for below.
        string assembly = typeof(GuardHost).Assembly.Location;
#pragma warning restore IL3000
        if (assembly.Length == 0)
            throw new RuntimeException("Models cannot be checked in a child process from a single-file application: publish it without PublishSingleFile.");
        string folder = Path.GetDirectoryName(assembly)!;
        ProcessStartInfo info = new(DotnetCommand.Path)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        info.ArgumentList.Add("exec");
        string? dependencies = (AppContext.GetData("APP_CONTEXT_DEPS_FILES") as string)?.Split([';', Path.PathSeparator]).FirstOrDefault(IsOfApplication);
        if (dependencies is not null)
        {
            info.ArgumentList.Add("--depsfile");
            info.ArgumentList.Add(dependencies);
        }
        info.ArgumentList.Add("--runtimeconfig");
        info.ArgumentList.Add(RuntimeConfiguration(dependencies, folder));
        info.ArgumentList.Add(assembly);
        info.ArgumentList.Add(GuardChild.Argument);
        // Where nothing lists the native libraries, they are where this process found them.
        string variable = OperatingSystem.IsWindows() ? "PATH" : OperatingSystem.IsMacOS() ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
        if (dependencies is null && AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string native)
            info.Environment[variable] = $"{native.TrimEnd(Path.PathSeparator)}{Path.PathSeparator}{Environment.GetEnvironmentVariable(variable)}";
        info.Environment["DOTNET_gcServer"] = "0";
        info.Environment["DOTNET_TieredPGO"] = "0"; // start-up counts more than peak speed of managed code
        info.Environment["DOTNET_EnableDiagnostics"] = "0"; // its pipes stay in the temporary folder when it is killed
        info.Environment[EngineTelemetry.Variable] = "1";
        // What makes a runner or debugger attach must not reach the child.
        foreach (string name in (string[])["DOTNET_STARTUP_HOOKS", "DOTNET_ENABLE_EVENTPIPE", "CORECLR_ENABLE_PROFILING", "DOTNET_HOSTING_TRACE"])
            info.Environment.Remove(name);
        return info;

        bool IsOfApplication(string path) => path.EndsWith(".deps.json", StringComparison.Ordinal) && File.Exists(path)
            && !path.Contains($"{Path.DirectorySeparatorChar}shared{Path.DirectorySeparatorChar}Microsoft.", StringComparison.Ordinal);
    }

    /// <summary>The application's own runtime configuration; one that only names the runtime where there is none.</summary>
    private static string RuntimeConfiguration(string? dependencies, string folder)
    {
        const string Extension = ".runtimeconfig.json";
        string? own = dependencies is null ? null : string.Concat(dependencies.AsSpan(0, dependencies.Length - ".deps.json".Length), Extension);
        if (own is not null && File.Exists(own))
            return own;
        string bundled = Path.Combine(folder, "Tersor.Runtime" + Extension);
        if (File.Exists(bundled))
            return bundled;
        string written = Path.Combine(Path.GetTempPath(), $"tersor-{Environment.UserName}-{Environment.Version}{Extension}");
        string content = """{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"VERSION"}}}""".Replace("VERSION", Environment.Version.ToString(), StringComparison.Ordinal);
        if (!File.Exists(written) || File.ReadAllText(written) != content)
            File.WriteAllText(written, content);
        return written;
    }
}
