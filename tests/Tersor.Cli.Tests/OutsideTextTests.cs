using System.Text.RegularExpressions;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>Names in models and data are shown, and never obeyed by a terminal.</summary>
public sealed partial class OutsideTextTests : IDisposable
{
    // ESC sequences that clear the screen and fill the clipboard, a C1 one, the bell, a mark that turns the direction of writing, a line of its own.
    private const string Hostile = "\u001b[2J\u001b]52;c;cm0gLXJm\u0007\u009b31m\u202egnp.\u2066\nError: all is lost\u007f";

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Names_of_nodes_values_and_files_reach_the_terminal_as_pictures(bool interactive)
    {
        string path = folder.At("named.onnx"), file = folder.At("\u001b[2J.onnx");
        Onnx.Model model = SmallModels.Dense();
        model.Graph.Nodes.First().Name = Hostile;
        model.Graph.Nodes.First().Outputs[0]!.Rename(Hostile + "2");
        model.Save(path);
        model.Save(file);
        foreach (string[] arguments in new[] { ["inspect", path, "--layers"], ["inspect", path, "--roles"], ["inspect", path, "--json", "--layers"], ["inspect", file], ["inspect", folder.At(Hostile)], ["optimize", path, "-o", folder.At("out.onnx")], [Hostile], (string[])["inspect", path, Hostile] })
        {
            using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
            await CommandLine.RunAsync(arguments, new Terminal(output, error) { OutIsInteractive = interactive, ErrorIsInteractive = interactive, Width = 120 }, TestContext.Current.CancellationToken);
            // Colours and the progress bar are ours.
            string written = OurSequences().Replace($"{output}{error}", "");
            Assert.DoesNotContain(written, c => char.IsControl(c) && c is not '\n' and not '\t' || c is '\u202e' or '\u2066');
            Assert.DoesNotMatch("(?m)^Error: all is lost", written);
        }
    }

    [Fact]
    public void Pictures_stand_for_what_controls_a_terminal_and_for_nothing_else()
    {
        Assert.Equal("a␛[2J␇�b␡", HarmlessText.Of("a\u001b[2J\u0007\u009bb\u007f"));
        Assert.Equal("one␊two", HarmlessText.Of("one\ntwo"));
        Assert.Equal("one\n\ttwo", HarmlessText.Of("one\n\ttwo", lines: true));
        const string Fine = "Größe 模型 μ → × ½ 😀 e\u0301";
        Assert.Same(Fine, HarmlessText.Of(Fine));
    }

    [Fact]
    public async Task The_models_of_the_collection_of_faults_are_shown_harmlessly()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Cli run = await Cli.Run("inspect", SharedFiles.At("cases", "escape-names.onnx"), "--layers");
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain(run.Out, c => char.IsControl(c) && c != '\n');
    }

    [GeneratedRegex("\u001b\\[[0-9;]*m|\r?\u001b\\[K")]
    private static partial Regex OurSequences();
}
