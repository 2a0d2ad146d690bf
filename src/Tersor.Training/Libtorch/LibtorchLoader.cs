using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text;
using TorchSharp;

namespace Tersor.Training.Libtorch;

/// <summary>Finds and loads libtorch, on hosts with an older C++ library too.</summary>
internal static class LibtorchLoader
{
    private const string Binding = "LibTorchSharp";

    /// <summary>The version of the C++ library TorchSharp's library asks for without using it.</summary>
    private const string Marker = "GLIBCXX_3.4.32";

    /// <summary>What the binding needs, in the order it must be loaded in: it is not loaded from the folder they lie in.</summary>
    private static readonly string[] Needed = ["libc10.so", "libtorch_cpu.so", "libtorch.so"];

    /// <summary>libtorch's own variable for who wants to read its log.</summary>
    private const string LogVariable = "TORCH_CPP_LOG_LEVEL";

    /// <summary>The number in libc10 from which on a line of the log is written. The variable above is read by libtorch only where Python starts it.</summary>
    private const string LogLevel = "FLAGS_caffe2_log_level";

    private const int Errors = 2;

    private const uint CloseOnExec = 1; // MFD_CLOEXEC

    private static nint binding;

    // Where the runtime finds a library that loads, nobody asks.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Whoever uses this library may touch libtorch before anything else in it.")]
    internal static void Listen()
    {
        if (OperatingSystem.IsLinux())
            (AssemblyLoadContext.GetLoadContext(typeof(torch).Assembly) ?? AssemblyLoadContext.Default).ResolvingUnmanagedDll += Resolve;
    }

    /// <summary>Loads libtorch.</summary>
    /// <exception cref="TrainingException">It is not there.</exception>
    public static void Require()
    {
        // Asked first: the binding itself would go on to copy half a gigabyte about, and talk of it on the console.
        Assembly assembly = typeof(torch).Assembly;
        if (NativeLibrary.TryLoad("torch_cpu", assembly, null, out _) && NativeLibrary.TryLoad(Binding, assembly, null, out _))
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            BeQuiet(assembly);
            KeptMemory.Keep();
            return;
        }
        string platform = $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        throw new TrainingException($"libtorch, which computes gradients, is not beside the program or does not load here. Add the package libtorch-cpu-{platform}, version 2.10.0, to the project.");
    }

    /// <summary>libtorch says on convolutions that a library it can do without does not like the processor. What it says of errors arrives as exceptions.</summary>
    private static void BeQuiet(Assembly assembly)
    {
        if (Environment.GetEnvironmentVariable(LogVariable) is null && NativeLibrary.TryLoad("c10", assembly, null, out nint library) && NativeLibrary.TryGetExport(library, LogLevel, out nint level))
            Marshal.WriteInt32(level, Errors);
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        if (name != Binding || binding != 0)
            return name == Binding ? binding : 0;
        string? path = Folders(assembly).Select(f => Path.Combine(f, $"lib{Binding}.so")).FirstOrDefault(File.Exists);
        if (path is null)
            return 0;
        byte[] library = File.ReadAllBytes(path);
        if (WeakVersionSymbol.Mark(library, Marker) == 0)
            return 0;
        string[] folders = [.. Folders(assembly)];
        foreach (string needed in Needed)
        {
            if (folders.Select(f => Path.Combine(f, needed)).FirstOrDefault(File.Exists) is not { } file || !NativeLibrary.TryLoad(file, out _))
                return 0;
        }
        return binding = LoadFromMemory(library);
    }

    /// <summary>Where native libraries of this program may lie.</summary>
    private static IEnumerable<string> Folders(Assembly assembly)
    {
        string[] given = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string)?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [];
        foreach (string folder in given)
            yield return folder;
        string beside = Path.GetDirectoryName(assembly.Location) is { Length: > 0 } location ? location : AppContext.BaseDirectory;
        yield return beside;
        yield return Path.Combine(beside, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        yield return Path.Combine(beside, "runtimes", $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}", "native");
    }

    /// <summary>A file without a name: nothing is left on disk, and the program's folder need not be writable.</summary>
    private static nint LoadFromMemory(byte[] library)
    {
        int file = MemoryFile(Text(Binding), CloseOnExec);
        if (file < 0)
            return 0;
        using FileStream stream = new(new Microsoft.Win32.SafeHandles.SafeFileHandle(file, ownsHandle: true), FileAccess.Write);
        stream.Write(library);
        stream.Flush();
        return NativeLibrary.TryLoad($"/proc/self/fd/{file}", out nint handle) ? handle : 0;
    }

    private static byte[] Text(string text) => [.. Encoding.ASCII.GetBytes(text), 0];

    [DllImport("libc", EntryPoint = "memfd_create")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MemoryFile(byte[] name, uint flags);
}
