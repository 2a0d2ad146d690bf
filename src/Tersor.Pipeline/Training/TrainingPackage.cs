using System.Reflection;
using System.Runtime.Loader;
using Tersor.Compression.Training;

namespace Tersor.Pipeline.Training;

/// <summary>Finds the package that trains, Tersor.Training, where it is installed. Nobody who does not train has to have it: it brings half a gigabyte of native libraries.</summary>
public static class TrainingPackage
{
    /// <summary>Environment variable that names the folder the package lies in.</summary>
    public const string Variable = "TERSOR_TRAINING";

    private const string File = "Tersor.Training.dll";

    /// <summary>The class that implements <see cref="ITraining"/> there.</summary>
    private const string Implementation = "Tersor.Training.TorchTraining";

    /// <summary>The version it must have, which is this assembly's.</summary>
    public static string Version { get; } = typeof(TrainingPackage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>The version of libtorch it was built with.</summary>
    public static string LibtorchVersion { get; } = typeof(TrainingPackage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == nameof(LibtorchVersion)).Value!;

    /// <summary>Where the command line installs it for the user: a folder for each version, <c>~/.local/share/tersor/training/0.1.0</c>. Null for a user without a home.</summary>
    public static string? UserFolder => Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data
        ? Path.Combine(data, "tersor", "training", Version) : null;

    /// <summary>The folder the package lies in: the one the variable names; without one "training" beside the program, else the user's; null where it is in none.</summary>
    public static string? Folder => Candidates().FirstOrDefault(IsPackage);

    /// <summary>Loads it: the one the variable names, else the one this program references itself, else the one that is installed.</summary>
    /// <exception cref="TrainingException">It is not installed, or not this version.</exception>
    public static ITraining Load()
    {
        if (!IsNamed && Type.GetType($"{Implementation}, Tersor.Training") is { } own)
            return (ITraining)Activator.CreateInstance(own)!;
        string path = Path.Combine(Path.GetFullPath(Folder ?? throw new TrainingException(Missing())), File);
        try
        {
            Type? type = new Context(path).LoadFromAssemblyPath(path).GetType(Implementation);
            return type is null ? throw new TrainingException($"{path} holds no {Implementation}: it belongs to another version of Tersor. Install the same version.") : (ITraining)Activator.CreateInstance(type)!;
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException or FileNotFoundException or TypeLoadException or MissingMethodException or InvalidCastException or TargetInvocationException or TypeInitializationException)
        {
            throw new TrainingException($"The training package in {Path.GetDirectoryName(path)} cannot be loaded: {(e.InnerException ?? e).Message} It must be the same version as the program.", e);
        }
    }

    /// <summary>True where the folder holds the package.</summary>
    public static bool IsPackage(string folder) => System.IO.File.Exists(Path.Combine(folder, File));

    private static bool IsNamed => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable));

    // A folder that was named and does not hold it is a mistake to be told of, not to be made up for.
    private static IEnumerable<string> Candidates() =>
        IsNamed ? [Environment.GetEnvironmentVariable(Variable)!]
        : UserFolder is { } user ? [Path.Combine(AppContext.BaseDirectory, "training"), user] : [Path.Combine(AppContext.BaseDirectory, "training")];

    private static string Missing() => IsNamed
        ? $"{Variable} names {Path.GetFullPath(Candidates().First())}, where there is no {File}. Name the folder that holds it, or unset the variable."
        : "Training needs the package Tersor.Training, which is not installed because it brings half a gigabyte of libtorch. 'tersor install training' fetches it once; "
        + "a program of your own references it as a package.";

    /// <summary>What the package brings along is its own; what the program has already is shared, so that both speak of the same types.</summary>
    private sealed class Context(string path) : AssemblyLoadContext("Tersor.Training")
    {
        private readonly AssemblyDependencyResolver resolver = new(path);

        protected override Assembly? Load(AssemblyName name)
        {
            if (name.Name?.StartsWith("Tersor.", StringComparison.Ordinal) == true && name.Name != "Tersor.Training")
                return null;
            return resolver.ResolveAssemblyToPath(name) is { } file ? LoadFromAssemblyPath(file) : null;
        }

        protected override nint LoadUnmanagedDll(string name) => resolver.ResolveUnmanagedDllToPath(name) is { } file ? TryLoad(file) : 0;

        // A library the host cannot load as it is has another way in.
        private static nint TryLoad(string file) => System.Runtime.InteropServices.NativeLibrary.TryLoad(file, out nint handle) ? handle : 0;
    }
}
