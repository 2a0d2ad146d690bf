namespace Tersor.Cli.Tests;

/// <summary>An empty value, as an unset variable of a shell gives, is wrong usage of the option or argument it was given for.</summary>
public sealed class EmptyValueTests
{
    /// <summary>Every option of every command that takes a value.</summary>
    public static TheoryData<string, string> Options => [.. from command in CommandLine.Root(new(TextWriter.Null, TextWriter.Null)).Subcommands
        from option in command.Options
        where option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool) && option.Name is not ("--help" or "--version")
        select (command.Name, option.Name)];

    public static TheoryData<string> Commands => [.. CommandLine.Root(new(TextWriter.Null, TextWriter.Null)).Subcommands.Where(c => c.Arguments.Count > 0).Select(c => c.Name)];

    [Theory, MemberData(nameof(Options))]
    public async Task No_option_takes_an_empty_value(string command, string option)
    {
        foreach (string empty in new[] { "", " " })
        {
            Cli run = await Cli.Run(command, "model.onnx", option, empty);
            Assert.Equal((ExitCodes.WrongUsage, ""), (run.ExitCode, run.Out));
            Assert.Contains($"Error: {option} is empty; expected a value.", run.Error, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task No_model_has_an_empty_name(string command)
    {
        Cli run = await Cli.Run(command, "");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains(" is empty; expected a value.", run.Error, StringComparison.Ordinal);
    }
}
