namespace Tersor.Testing;

/// <summary>Models and data that lie beside a developer's checkout, in ../shared. Absent elsewhere: tests that need them are skipped.</summary>
public static class SharedFiles
{
    /// <summary>The checkout's root: the folder that holds Tersor.slnx.</summary>
    public static string Repository { get; } = FindUp(AppContext.BaseDirectory, "Tersor.slnx") ?? throw new InvalidOperationException("The tests run outside a checkout.");

    /// <summary>The folder, or null where it is absent. The environment variable TERSOR_SHARED names another place.</summary>
    public static string? Root { get; } = Existing(Environment.GetEnvironmentVariable("TERSOR_SHARED")) ?? Existing(Path.Combine(Repository, "..", "shared"));

    /// <summary>What a skipped test says.</summary>
    public const string Reason = "needs the folder 'shared' beside the checkout";

    /// <summary>A file or folder in it; the path of something absent when the folder is.</summary>
    public static string At(params string[] parts) => Path.Combine([Root ?? "shared-is-absent", .. parts]);

    /// <summary>The real models, or none.</summary>
    public static IEnumerable<string> Models => Root is null ? [] : Directory.GetFiles(At("models"), "*.onnx").Order(StringComparer.Ordinal);

    /// <summary>Folders of ONNX's backend tests, each with model.onnx and test_data_set_0, or none.</summary>
    public static IEnumerable<string> BackendTests => Root is null ? [] : new[] { "node", "pytorch-converted", "pytorch-operator", "simple" }
        .SelectMany(group => Directory.GetDirectories(At("onnx-backend-tests", group)).Order(StringComparer.Ordinal));

    /// <summary>The architectures without weights, or none.</summary>
    public static IEnumerable<string> LightModels => Root is null ? [] : Directory.GetFiles(At("onnx-backend-tests", "light"), "*.onnx").Order(StringComparer.Ordinal);

    private static string? Existing(string? path) => Directory.Exists(path) ? Path.GetFullPath(path) : null;

    private static string? FindUp(string folder, string file)
    {
        for (DirectoryInfo? current = new(folder); current is not null; current = current.Parent)
        {
            if (File.Exists(Path.Combine(current.FullName, file)))
                return current.FullName;
        }
        return null;
    }
}
