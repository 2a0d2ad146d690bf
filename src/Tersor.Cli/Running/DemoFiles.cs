namespace Tersor.Cli.Running;

/// <summary>The classifier and the pictures that lie inside the program.</summary>
internal static class DemoFiles
{
    private const string Prefix = "Demo/";

    /// <summary>Writes them into a folder.</summary>
    public static void Extract(string folder)
    {
        foreach (string name in typeof(DemoFiles).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using Stream content = typeof(DemoFiles).Assembly.GetManifestResourceStream(name)!;
            using FileStream file = File.Create(Path.Combine(folder, name[Prefix.Length..]));
            content.CopyTo(file);
        }
    }
}
