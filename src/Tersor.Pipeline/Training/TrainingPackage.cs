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

    /// <summary>The folder the package lies in: the one the variable names, or "training" beside the program; null where it is in neither.</summary>
    public static string? Folder => new[] { Environment.GetEnvironmentVariable(Variable), Path.Combine(AppContext.BaseDirectory, "training") }
        .FirstOrDefault(f => !string.IsNullOrEmpty(f) && System.IO.File.Exists(Path.Combine(f, File)));

    /// <summary>Loads it: the one the variable names, else the one this program references itself, else the one beside it.</summary>
    /// <exception cref="TrainingException">It is not installed, or not this version.</exception>
    public static ITraining Load()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)) && Type.GetType($"{Implementation}, Tersor.Training") is { } own)
            return (ITraining)Activator.CreateInstance(own)!;
        string folder = Folder ?? throw new TrainingException($"Training needs the package Tersor.Training, which is not installed: there is no {File} in {Path.Combine(AppContext.BaseDirectory, "training")}. "
            + $"Publish it there (dotnet publish src/Tersor.Training --output ...), or name its folder in the environment variable {Variable}.");
        string path = Path.Combine(Path.GetFullPath(folder), File);
        try
        {
            Type? type = new Context(path).LoadFromAssemblyPath(path).GetType(Implementation);
            return type is null ? throw new TrainingException($"{path} holds no {Implementation}: it belongs to another version of Tersor. Install the same version.") : (ITraining)Activator.CreateInstance(type)!;
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException or FileNotFoundException or TypeLoadException or MissingMethodException or InvalidCastException or TargetInvocationException or TypeInitializationException)
        {
            throw new TrainingException($"The training package in {folder} cannot be loaded: {(e.InnerException ?? e).Message} It must be the same version as the program.", e);
        }
    }

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
