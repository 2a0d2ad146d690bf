using Tersor.Testing;

namespace Tersor.Cli.Tests;

public sealed class HostileFileTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Hostile_files_give_one_line_and_code_1()
    {
        List<string> wrong = [];
        IReadOnlyList<(string Name, string Path)> files = HostileFiles.Create(folder.Path);
        foreach ((string name, string path) in files)
        {
            Cli run = await Cli.Run("inspect", path);
            if (run.ExitCode != ExitCodes.Failed || run.Out.Length > 0 || run.Errors is not [{ } line] || !line.StartsWith("Error: ", StringComparison.Ordinal))
                wrong.Add($"{name}: {run.ExitCode}: {run.Error}");
        }
        Assert.Empty(wrong);
        Assert.True(files.Count >= 40);
    }
}
