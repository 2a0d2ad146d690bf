using System.Text.Json;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Inspect_shows_interface_weights_and_operators()
    {
        string path = folder.At("dense.onnx");
        SmallModels.Dense().Save(path);
        Cli run = await Cli.Run("inspect", path, "--layers");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"input +input: Float32 \[N,2\]", run.Out);
        Assert.Matches(@"output +output: Float32 \[N,3\]", run.Out);
        Assert.Matches(@"parameters +6 in 24 B", run.Out);
        Assert.Matches(@"nodes +2, of which 1 has weights", run.Out);
        Assert.Matches(@"initializer +1 +6 +24 B", run.Out);
        Assert.Matches(@"dense +MatMul .* 6 +24 B", run.Out);
        Assert.DoesNotContain('\u001b', run.Out);
        Assert.DoesNotContain(" \n", run.Out);
    }

    [Fact]
    public async Task Roles_tell_what_constants_are_and_who_reads_them()
    {
        string path = folder.At("dense.onnx");
        SmallModels.Dense().Save(path);
        Cli run = await Cli.Run("inspect", path, "--roles");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches(@" weight +1 +6 +24 B", run.Out);
        Assert.Matches(@"weight +Float32 \[2,3\] +MatMul 'dense'", run.Out);
        Cli json = await Cli.Run("inspect", path, "--roles", "--json");
        using JsonDocument document = JsonDocument.Parse(json.Out);
        JsonElement constant = Assert.Single(document.RootElement.GetProperty("constants").EnumerateArray());
        Assert.Equal("weight", Assert.Single(constant.GetProperty("roles").EnumerateArray()).GetString());
        Assert.Equal("weight", document.RootElement.GetProperty("roles")[0].GetProperty("name").GetString());
        Assert.DoesNotContain("constants", (await Cli.Run("inspect", path, "--json")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_one_document_and_nothing_else()
    {
        string path = folder.At("branch.onnx");
        SmallModels.DenseInBranch().Save(path);
        Cli run = await Cli.Run("inspect", path, "--json", "--layers");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement root = document.RootElement;
        Assert.Equal(4, root.GetProperty("parameters").GetInt64());
        Assert.Equal(2, root.GetProperty("nestedGraphs").GetInt32());
        Assert.Equal("initializer in a nested body", root.GetProperty("places")[0].GetProperty("name").GetString());
        JsonElement dense = Assert.Single(root.GetProperty("layers").EnumerateArray(), l => l.GetProperty("name").GetString() == "dense");
        Assert.Equal("choose/then_branch", dense.GetProperty("graph").GetString());
        Assert.Equal(new FileInfo(path).Length, root.GetProperty("fileBytes").GetInt64());
    }

    [Fact]
    public async Task A_long_name_is_never_cut()
    {
        string path = folder.At("long.onnx"), name = new('n', 300);
        Onnx.Model model = SmallModels.Dense();
        model.Graph.Nodes.First().Name = name;
        model.Save(path);
        Assert.Contains(name, (await Cli.Run("inspect", path, "--layers")).Out);
    }

    [Fact]
    public async Task Every_shared_model_is_inspected()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        foreach (string path in SharedFiles.Models)
        {
            Cli run = await Cli.Run("inspect", path, "--json");
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
        }
    }

    [Fact]
    public async Task The_known_parameter_counts_come_out()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        // Counted when these networks were trained; what batch normalization keeps beside its weights (mean and variance) is not in that count.
        foreach ((string name, long count) in new[] { ("fmnist_lenet300", 266_610L), ("fmnist_lenet5", 431_080L), ("fmnist_cnn", 65_834L + (2 * 192)) })
        {
            Cli run = await Cli.Run("inspect", SharedFiles.At("models", $"{name}.onnx"), "--json");
            using JsonDocument document = JsonDocument.Parse(run.Out);
            Assert.Equal(count, document.RootElement.GetProperty("parameters").GetInt64());
        }
    }
}
