using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>Recorded text. With TERSOR_UPDATE_GOLDEN=1 in the environment the tests record instead of compare: look at the difference before committing it.</summary>
internal static class Golden
{
    public static void Check(string name, string actual)
    {
        string path = Path.Combine(SharedFiles.Repository, "tests", "Tersor.Cli.Tests", "Golden", $"{name}.txt");
        // Trailing spaces are not worth a difference; editors remove them.
        string text = string.Join('\n', actual.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())).TrimEnd() + "\n";
        if (Environment.GetEnvironmentVariable("TERSOR_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, text);
        Assert.Equal(File.ReadAllText(path).ReplaceLineEndings("\n"), text);
    }
}
