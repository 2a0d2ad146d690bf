using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>Weights that a file lists as inputs, too: left alone, said once with the way out, and constants on request.</summary>
public sealed class OverridableWeightTests : IDisposable
{
    private const string Option = "--inputs-are-constants";

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory, InlineData("optimize"), InlineData("quantize")]
    public async Task What_stays_an_input_is_said_once_with_the_command_to_type(string command)
    {
        (string input, string output) = (Listed(), folder.At("out.onnx"));
        string[] line = [command, input, "-o", output, .. command == "quantize" ? ["--mode", "weights"] : Array.Empty<string>()];
        Cli run = await Cli.Run(line);
        string note = Assert.Single(run.Errors, e => e.Contains(Option, StringComparison.Ordinal));
        Assert.Contains($"tersor {string.Join(' ', line)} {Option}", note, StringComparison.Ordinal);

        Cli again = await Cli.Run([.. line, Option]);
        Assert.Equal(0, again.ExitCode);
        Assert.DoesNotContain(Option, again.Error, StringComparison.Ordinal);
        Model result = Model.Load(output);
        Assert.Equal(["x"], result.Graph.Inputs.Select(i => i.Name));
        Assert.DoesNotContain(result.AllNodes(), n => n.Is("BatchNormalization"));
    }

    [Theory, InlineData("inspect"), InlineData("eval"), InlineData("compare"), InlineData("bench"), InlineData("train"), InlineData("distill")]
    public async Task Every_command_that_reads_a_model_has_the_option(string command) =>
        Assert.Contains(Option, (await Cli.Run(command, "--help")).Out, StringComparison.Ordinal);

    [Fact]
    public async Task Inspect_shows_them_as_plain_initializers_on_request()
    {
        string input = Listed();
        Assert.Contains("overridable", (await Cli.Run("inspect", input)).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("overridable", (await Cli.Run("inspect", input, Option)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_size_before_is_that_of_the_file()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        string input = SharedFiles.At("cases", "weights-listed-as-inputs.onnx");
        Cli run = await Cli.Run("optimize", input, "-o", folder.At("out.onnx"), Option, "--json");
        using System.Text.Json.JsonDocument report = System.Text.Json.JsonDocument.Parse(run.Out);
        Assert.Equal(new FileInfo(input).Length, report.RootElement.GetProperty("bytesBefore").GetInt64());
        Assert.Equal(new FileInfo(folder.At("out.onnx")).Length, report.RootElement.GetProperty("bytesAfter").GetInt64());
    }

    /// <summary>Conv → BatchNormalization, every parameter an input, too.</summary>
    private string Listed()
    {
        Model model = Build.Model([1, 8, 6, 6], (g, x) =>
        {
            Value[] parameters = [.. Enumerable.Range(1, 4).Select(i => g.AddInitializer($"p{i}", Tensor.Create([16], [.. Enumerable.Range(1, 16).Select(c => 0.1f * c)])))];
            return g.Apply("BatchNormalization", [g.Conv(x, 1, 8, 16), .. parameters]);
        });
        string path = folder.At("listed.onnx");
        File.WriteAllBytes(path, TestFiles.WithInitializersAsInputs(model, irVersion: 8));
        return path;
    }
}
