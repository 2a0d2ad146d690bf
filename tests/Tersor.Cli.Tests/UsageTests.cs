using System.CommandLine;

namespace Tersor.Cli.Tests;

public sealed class UsageTests
{
    public static TheoryData<string> Commands => [.. CommandLine.Root(new(TextWriter.Null, TextWriter.Null)).Subcommands.Select(c => c.Name)];

    [Theory]
    [InlineData("inspct", "Did you mean 'inspect'?")]
    [InlineData("inspect --jsn model.onnx", "Did you mean '--json'?")]
    [InlineData("inspect", "Required argument 'model' missing for command: 'inspect'.")]
    [InlineData("", "No command is given; there are inspect, optimize,")]
    [InlineData("inspct model.onnx", "There is no command 'inspct'.")]
    [InlineData("quantize a.onnx -o b.onnx --threads x", "--threads is 'x'; expected a whole number.")]
    [InlineData("quantize a.onnx -o b.onnx --max-drop x", "--max-drop is 'x'; expected a number.")]
    [InlineData("quantize a.onnx -o b.onnx --max-drop -1", "--max-drop is -1; expected 0..1.")]
    [InlineData("quantize a.onnx -o b.onnx --max-drop NaN", "--max-drop is NaN; expected 0..1.")]
    [InlineData("quantize a.onnx -o b.onnx --mode fast", "--mode is 'fast'; expected Auto, Static, Dynamic, Weights.")]
    [InlineData("eval a.onnx --data d.yaml --limit 0", "--limit is 0; expected 1 or more.")]
    [InlineData("eval a.onnx --data d.yaml --metric top1", "There is no metric 'top1'. Did you mean 'top-1'?")]
    [InlineData("inspect a.onnx b.onnx", "Unrecognized command or argument 'b.onnx'.")]
    public async Task Wrong_usage_gives_code_2_and_says_what_was_perhaps_meant(string line, string message)
    {
        Cli run = await Cli.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((ExitCodes.WrongUsage, ""), (run.ExitCode, run.Out));
        Assert.Contains(message, run.Error);
        Assert.Contains("--help'.", run.Errors[^1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("inspct model.onnx")]
    [InlineData("quantize a.onnx -o b.onnx --mode fast")]
    public async Task Wrong_usage_is_one_error_without_names_from_the_source(string line)
    {
        Cli run = await Cli.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Single(run.Errors, e => e.StartsWith("Error: ", StringComparison.Ordinal));
        Assert.DoesNotContain("Tersor.", run.Error);
        Assert.DoesNotContain("System.", run.Error);
    }

    [Fact]
    public async Task Version_prints_the_version_alone() => Assert.Matches(@"^\d+\.\d+\.\d+\n$", (await Cli.Run("--version")).Out);

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_command_takes_json(string name) =>
        Assert.Contains(CommandLine.Root(new(TextWriter.Null, TextWriter.Null)).Subcommands.Single(c => c.Name == name).Options, o => o.Name == "--json");

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_option_is_explained(string name)
    {
        Command command = CommandLine.Root(new(TextWriter.Null, TextWriter.Null)).Subcommands.Single(c => c.Name == name);
        Assert.All(command.Options.Cast<Symbol>().Concat(command.Arguments).Append(command), symbol => Assert.EndsWith(".", symbol.Description?.TrimEnd(')'), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_of_the_program_is_as_recorded() => Golden.Check("help", (await Cli.Run("--help")).Out);

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_of_every_command_is_as_recorded(string name) => Golden.Check($"help-{name}", (await Cli.Run(name, "--help")).Out);
}
