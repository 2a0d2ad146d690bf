using System.Text.Json;
using Tersor.Compression;
using Tersor.Onnx;

namespace Tersor.Cli.Tests;

public sealed class OptimizeTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_does_nothing_is_removed_and_the_table_says_so()
    {
        (string input, string output) = (folder.At("in.onnx"), folder.At("out.onnx"));
        SmallModels.WithIdentity().Save(input);
        Cli run = await Cli.Run("optimize", input, "-o", output);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.DoesNotContain(Model.Load(output).AllNodes(), n => n.OpType == "Identity");
        Assert.Matches(@"Identity +1 +0", run.Out);
        Assert.Contains("equal bit for bit", run.Out);
        Assert.Equal([input, output], Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal)); // nothing else is left behind
    }

    [Fact]
    public async Task A_model_that_cannot_be_improved_gives_code_3_and_is_written_as_it_is()
    {
        string input = folder.At("in.onnx");
        SmallModels.Dense().Save(input);
        Cli run = await Cli.Run("optimize", input, "-o", folder.At("out.onnx"), "--json");
        Assert.Equal(ExitCodes.NoGain, run.ExitCode);
        Assert.Contains("No gain", Assert.Single(run.Errors));
        Assert.Equal(File.ReadAllBytes(input), File.ReadAllBytes(folder.At("out.onnx")));
        using JsonDocument document = JsonDocument.Parse(run.Out);
        Assert.Equal(folder.At("out.onnx"), document.RootElement.GetProperty("output").GetString());
        Assert.Equal("nothing could be optimized", document.RootElement.GetProperty("noGain").GetString());
    }

    [Fact]
    public async Task A_model_the_engine_refuses_is_refused_in_one_line_unless_asked_for()
    {
        Model model = SmallModels.WithIdentity();
        Node relu = model.Graph.Nodes.Last();
        relu.SetInput(0, model.Graph.InsertBefore(relu, "NoSuchOperator", [relu.Inputs[0]], ["unknown"]).Outputs[0]);
        (string input, string output) = (folder.At("in.onnx"), folder.At("out.onnx"));
        model.Save(input);
        Cli refused = await Cli.Run("optimize", input, "-o", output);
        Assert.Equal((ExitCodes.Failed, ""), (refused.ExitCode, refused.Out));
        Assert.Contains("--unverified", Assert.Single(refused.Errors));
        Assert.False(File.Exists(output));
        Cli run = await Cli.Run("optimize", input, "-o", output, "--unverified");
        Assert.Equal(ExitCodes.Done, run.ExitCode);
        Assert.Contains("not verified", run.Out);
        Assert.DoesNotContain(Model.Load(output).AllNodes(), n => n.OpType == "Identity");
    }

    [Fact]
    public async Task A_fixed_batch_inside_is_found_by_both_who_look_for_input()
    {
        Model model = SmallModels.WithIdentity();
        Node relu = model.Graph.Nodes.Last();
        Value shape = model.Graph.AddInitializer("shape", Tensor.Vector(2L, 3));
        relu.SetInput(0, model.Graph.InsertBefore(relu, "Reshape", [relu.Inputs[0], shape], ["two"]).Outputs[0]);
        model.Save(folder.At("in.onnx"));
        Cli run = await Cli.Run("optimize", folder.At("in.onnx"), "-o", folder.At("out.onnx"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("equal bit for bit on 2 samples", run.Out);
    }

    [Fact]
    public async Task Dimensions_are_fixed_on_request()
    {
        (string input, string output) = (folder.At("in.onnx"), folder.At("out.onnx"));
        SmallModels.Dense().Save(input);
        Assert.Equal(0, (await Cli.Run("optimize", input, "-o", output, "--dim", "N=4")).ExitCode);
        Assert.Equal("Float32 [4,2]", Model.Load(output).Graph.Inputs[0].Type!.ToString());
    }

    [Theory]
    [InlineData("model.onnx/x/out.onnx", "is a file, and a folder is expected")]
    [InlineData("/proc/tersor/out.onnx", "no file can be made in /proc")]
    public async Task A_place_that_cannot_be_written_to_is_told_before_the_work(string output, string message)
    {
        Assert.SkipWhen(output.StartsWith("/proc", StringComparison.Ordinal) && !OperatingSystem.IsLinux(), "/proc is a folder of Linux.");
        SmallModels.WithIdentity().Save(folder.At("model.onnx"));
        Cli run = await Cli.Run("optimize", folder.At("model.onnx"), "-o", Path.Combine(folder.Path, output));
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains(message, Assert.Single(run.Errors));
        Assert.Equal("model.onnx", Path.GetFileName(Assert.Single(Directory.EnumerateFileSystemEntries(folder.Path))));
    }

    [Theory]
    [InlineData("--data-root folder", ExitCodes.WrongUsage, "give them with --data")]
    [InlineData("--dim batch=1", ExitCodes.WrongUsage, "No input has a dimension named 'batch'")]
    [InlineData("--dim N=zero", ExitCodes.WrongUsage, "--dim 'N=zero' is not understood")]
    [InlineData("--dim N=-1", ExitCodes.WrongUsage, "--dim 'N=-1' is not understood")]
    [InlineData("--input-shape input=axb", ExitCodes.WrongUsage, "--input-shape 'input=axb' is not understood")]
    [InlineData("--without remove-everything", ExitCodes.WrongUsage, "There is no pass 'remove-everything'")]
    [InlineData("--with quantize-weights", ExitCodes.WrongUsage, "It goes by 'tersor quantize --mode weights'.")]
    [InlineData("--with equalize-layers --with quantize-dynamic", ExitCodes.WrongUsage, "'quantize-dynamic' is lossy")]
    [InlineData("--external-data sometimes", ExitCodes.WrongUsage, "sometimes")]
    public async Task A_wrong_value_is_named(string options, int code, string message)
    {
        SmallModels.Dense().Save(folder.At("in.onnx"));
        Cli run = await Cli.Run(["optimize", folder.At("in.onnx"), "-o", folder.At("out.onnx"), .. options.Split(' ')]);
        Assert.Equal((code, ""), (run.ExitCode, run.Out));
        Assert.Contains(message, run.Error);
        Assert.False(File.Exists(folder.At("out.onnx")));
    }

    [Fact]
    public async Task The_input_is_not_overwritten_by_accident()
    {
        string input = folder.At("in.onnx");
        SmallModels.WithIdentity().Save(input);
        byte[] before = File.ReadAllBytes(input);
        foreach (string same in new[] { input, folder.At("..", Path.GetFileName(folder.Path), "in.onnx") })
        {
            Cli run = await Cli.Run("optimize", input, "-o", same);
            Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
            Assert.Contains("--force", Assert.Single(run.Errors));
        }
        Assert.Equal(before, File.ReadAllBytes(input));
        Assert.Equal(0, (await Cli.Run("optimize", input, "-o", input, "--force")).ExitCode);
        Assert.DoesNotContain(Model.Load(input).AllNodes(), n => n.OpType == "Identity");
    }

    [Fact]
    public async Task A_missing_output_is_wrong_usage()
    {
        Cli run = await Cli.Run("optimize", folder.At("in.onnx"));
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains("'--output' is required", run.Error);
    }

    [Fact]
    public async Task Cancelling_leaves_no_file()
    {
        SmallModels.WithIdentity().Save(folder.At("in.onnx"));
        Cli run = await Cli.RunUntil(new CancellationToken(canceled: true), "optimize", folder.At("in.onnx"), "-o", folder.At("out.onnx"));
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.Equal(folder.At("in.onnx"), Assert.Single(Directory.GetFiles(folder.Path)));
    }

    [Fact]
    public async Task Help_names_every_pass() => Assert.Contains(string.Join(", ", PassCatalog.Entries.Where(e => e.Create(null).Effect != PassEffect.Lossy).Select(e => e.Name)), (await Cli.Run("optimize", "--help")).Out);
}
