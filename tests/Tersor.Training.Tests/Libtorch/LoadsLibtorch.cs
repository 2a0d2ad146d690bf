using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Tersor.Training.Tests.Libtorch;

/// <summary>The library finds libtorch for whoever has run something in it; tests may touch libtorch first.</summary>
internal static class LoadsLibtorch
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Before the first test of the assembly, whichever it is.")]
    internal static void Load() => RuntimeHelpers.RunModuleConstructor(typeof(TrainingException).Module.ModuleHandle);
}
