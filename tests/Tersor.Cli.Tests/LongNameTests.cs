using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>Names as long as file systems allow work for whatever is written; longer ones are refused before any work is done.</summary>
public sealed class LongNameTests : IDisposable
{
    private readonly TestFolder folder = new();

    public LongNameTests() => Build.Model([1, 16, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 16, 64)]), 2, 64, 64)).Save(folder.At("model.onnx"));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_model_its_data_plan_ranges_and_report_may_have_long_names()
    {
        string output = folder.At(new string('m', 240) + ".onnx"), ranges = folder.At(new string('r', 250) + ".json"), report = folder.At(new string('p', 250) + ".html");
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", output, "--data", "random,count=8,x=1x16x8x8", "--min-sqnr", "5", "--rounds", "0", "--allow-slower", "--repair", "none", "--sensitivity-samples", "0", "--no-cache",
            "--external-data", "Always", "--save-ranges", ranges, "--report", report);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(new[] { output, ranges, report, Path.ChangeExtension(output, ".plan.json") }, file => Assert.True(File.Exists(file), file));
        Model.Load(output);
    }

    [Fact]
    public async Task External_data_of_a_model_whose_name_leaves_no_room_lie_beside_it()
    {
        string output = folder.At(new string('m', 250) + ".onnx");
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", output, "--mode", "weights", "--external-data", "Always", "--rounds", "0");
        Assert.True(run.ExitCode == 0, run.Error);
        Model.Load(output);
    }

    [Theory]
    [InlineData("-o"), InlineData("--report"), InlineData("--save-ranges")]
    public async Task A_name_that_is_too_long_is_one_line(string option)
    {
        string[] named = ["-o", folder.At("out.onnx")];
        Cli run = await Cli.Run(["quantize", folder.At("model.onnx"), .. option == "-o" ? Array.Empty<string>() : named, "--data", "random,count=8,x=1x16x8x8", option, folder.At(new string('x', 300))]);
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains("255 are allowed", Assert.Single(run.Errors), StringComparison.Ordinal);
    }
}
