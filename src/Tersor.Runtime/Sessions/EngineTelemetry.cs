using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tersor.Runtime;

/// <summary>Keeps ONNX Runtime from telling its makers what it runs: its official builds keep an identifier and a database of model names under the home folder and send them off, unless a variable forbids it.</summary>
/// <remarks>The variable must be in the environment of the C library before the engine is loaded; .NET's own does not reach it. See docs/privacy.md.</remarks>
internal static class EngineTelemetry
{
    /// <summary>The variable the engine looks at.</summary>
    public const string Variable = "ORT_DISABLE_TELEMETRY";

    /// <summary>Forbids it, before anything of this assembly can load the engine.</summary>
#pragma warning disable CA2255 // Meant for applications; but whichever of our types is used first, this has to come before.
    [ModuleInitializer]
    internal static void Forbid()
#pragma warning restore CA2255
    {
        Environment.SetEnvironmentVariable(Variable, "1"); // children inherit it
        try
        {
            _ = OperatingSystem.IsWindows() ? NativeMethods._putenv_s(Variable, "1") : NativeMethods.setenv(Variable, "1", overwrite: 1);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library: what was set above is what can be done.
        }
    }

    private static class NativeMethods
    {
        [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int setenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);

        [DllImport("ucrtbase", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        internal static extern int _putenv_s([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value);
    }
}
