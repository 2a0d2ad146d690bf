using System.ComponentModel;
using System.Diagnostics;
using Tersor.Compression.Training;
using Tersor.Onnx.Files;
using Tersor.Pipeline.Training;
using Tersor.Runtime;

namespace Tersor.Cli.Running;

/// <summary>Fetches what trains from the user's package sources: a project that needs nothing else is published into a folder.</summary>
internal static class TrainingInstallation
{
    /// <param name="target">Folder it goes into; it appears complete or not at all.</param>
    /// <param name="source">A package source asked beside the user's own, if any.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="TrainingException">There is no libtorch for this platform, no SDK, or a package was not found.</exception>
    public static async Task Run(string target, string? source, CancellationToken cancellation)
    {
        string platform = Platform.Name;
        if (!Platform.SupportedForTraining.Contains(platform))
            throw new TrainingException($"Training runs on {string.Join(", ", Platform.SupportedForTraining)}; libtorch has no package for {platform}.");
        using ScratchFolder project = new();
        string file = project.At("installation.csproj");
        await File.WriteAllTextAsync(file, Project(platform), cancellation);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        string part = $"{target}.part-{Environment.ProcessId}";
        try
        {
            List<string> arguments = ["publish", file, "--configuration", "Release", "--runtime", platform, "--no-self-contained", "--output", part, "--nologo", "--verbosity", "quiet", "-p:UseSharedCompilation=false"];
            if (source is not null)
                arguments.Add($"-p:RestoreAdditionalProjectSources={(Directory.Exists(source) ? Path.GetFullPath(source) : source)}");
            await Dotnet(arguments, project.Path, cancellation);
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
            Directory.Move(part, target);
        }
        finally
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
        }
    }

    private static async Task Dotnet(List<string> arguments, string folder, CancellationToken cancellation)
    {
        ProcessStartInfo start = new(DotnetCommand.Path, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1"; // no server stays behind
        using Process process = Process.Start(start) ?? throw new TrainingException($"{start.FileName} cannot be started.");
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation), error = process.StandardError.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            if (process.ExitCode != 0)
                throw new TrainingException($"'dotnet publish' could not fetch what trains: {Reason(await output + "\n" + await error)}");
        }
        catch (OperationCanceledException)
        {
            Stop(process);
            throw;
        }
    }

    private static void Stop(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It ended on its own.
        }
    }

    /// <summary>The first error, without the file it is about, which is gone when it is read; else all that was said.</summary>
    private static string Reason(string said)
    {
        string[] lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string? error = lines.FirstOrDefault(l => l.Contains("error ", StringComparison.Ordinal));
        return error is null ? string.Join(' ', lines) : error[error.IndexOf("error ", StringComparison.Ordinal)..].Split(" [")[0];
    }

    // Whatever lies in the folders above the temporary one has no say.
    private static string Project(string platform) => $"""
        <Project>
          <PropertyGroup>
            <ImportDirectoryBuildProps>false</ImportDirectoryBuildProps>
            <ImportDirectoryBuildTargets>false</ImportDirectoryBuildTargets>
            <ImportDirectoryPackagesProps>false</ImportDirectoryPackagesProps>
          </PropertyGroup>
          <Import Project="Sdk.props" Sdk="Microsoft.NET.Sdk" />
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <EnableDefaultItems>false</EnableDefaultItems>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Tersor.Training" Version="[{TrainingPackage.Version}]" />
            <PackageReference Include="libtorch-cpu-{platform}" Version="[{TrainingPackage.LibtorchVersion}]" />
          </ItemGroup>
          <Import Project="Sdk.targets" Sdk="Microsoft.NET.Sdk" />
        </Project>
        """;
}
