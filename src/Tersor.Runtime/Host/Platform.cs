using System.Runtime.InteropServices;

namespace Tersor.Runtime;

/// <summary>The operating system and processor this process runs on, as .NET names them: <c>linux-x64</c>.</summary>
public static class Platform
{
    /// <summary>Where ONNX Runtime, OR-Tools and SkiaSharp all have native libraries.</summary>
    public static IReadOnlyList<string> Supported { get; } = ["linux-x64", "linux-arm64", "win-x64", "osx-arm64"];

    /// <summary>Where libtorch has, too.</summary>
    public static IReadOnlyList<string> SupportedForTraining { get; } = ["linux-x64", "win-x64", "osx-arm64"];

    /// <summary>The one of this process.</summary>
    public static string Name { get; } = $"{System}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private static string System => OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx"
        : RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal) || RuntimeInformation.RuntimeIdentifier.StartsWith("alpine", StringComparison.Ordinal) ? "linux-musl" : "linux";
}
