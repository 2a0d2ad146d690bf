using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Search;

public sealed class SensitivityCacheTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_was_measured_is_not_measured_again_by_a_later_run()
    {
        Assert.Equal(0.1, Open().Get("a", () => 0.1));
        Assert.Equal(0.1, Open().Get("a", () => throw new InvalidOperationException("measured again")));
        Assert.Equal(0.3, Open().Get("b", () => 0.3));
        Assert.Equal(double.PositiveInfinity, Open().Get("c", () => double.PositiveInfinity));
        Assert.Equal(double.PositiveInfinity, Open().Get("c", () => 0));
    }

    [Fact]
    public void A_line_that_a_killed_run_left_half_written_is_measured_again()
    {
        Open().Get("a", () => 0.123456);
        Open().Get("b", () => 0.5);
        string file = folder.GetFiles().Single().FullName;
        File.WriteAllText(file, File.ReadAllText(file)[..^4]);
        Assert.Equal(0.7, Open().Get("b", () => 0.7));
        Assert.Equal(0.123456, Open().Get("a", () => 0));
    }

    [Fact]
    public void Other_parts_are_another_cache()
    {
        Open().Get("a", () => 0.1);
        Assert.Equal(0.2, new SensitivityCache(folder.FullName, [[2]]).Get("a", () => 0.2));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_to_costs_nothing_but_the_cache()
    {
        string file = Path.Combine(folder.FullName, "file");
        File.WriteAllText(file, "");
        Assert.Equal(0.4, new SensitivityCache(Path.Combine(file, "below"), [[1]]).Get("a", () => 0.4));
        Assert.Equal(0.4, new SensitivityCache(null, [[1]]).Get("a", () => 0.4));
    }

    private SensitivityCache Open() => new(folder.FullName, [[1]]);
}
