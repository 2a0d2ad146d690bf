using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace Tersor.Cli.Parsing;

/// <summary>Help of a fixed width, with an explanation and examples at its end.</summary>
internal static class HelpText
{
    private const int Width = 110;

    /// <summary>What comes after the options, by command.</summary>
    private static readonly ConditionalWeakTable<Command, Func<string>> Endings = [];

    /// <summary>Gives a command the text that comes after its options: an explanation, wrapped by hand, and examples.</summary>
    public static T WithHelp<T>(this T command, string explanation, params string[] examples) where T : Command => command.WithHelp(() => explanation, examples);

    /// <summary>The same, for an explanation that takes time to make: it is made when somebody asks.</summary>
    public static T WithHelp<T>(this T command, Func<string> explanation, params string[] examples) where T : Command
    {
        Endings.AddOrUpdate(command, () => $"{explanation()}\n\nExamples:\n  {string.Join("\n  ", examples)}\n");
        return command;
    }

    /// <summary>Gives the root `--version`, and it and every command below it `--help`.</summary>
    public static void Install(Command root)
    {
        HelpOption help = new() { Description = "Explain the command and its options.", Recursive = true };
        help.Action = new Action((HelpAction)help.Action!);
        root.Add(help);
        root.Add(new VersionOption { Description = "Print the version.", Action = new VersionAction() });
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            parsed.InvocationConfiguration.Output.WriteLine(CommandLine.Version);
            return ExitCodes.Done;
        }
    }

    private sealed class Action(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            inner.MaxWidth = Width;
            inner.Invoke(parsed);
            if (Endings.TryGetValue(parsed.CommandResult.Command, out Func<string>? ending))
                parsed.InvocationConfiguration.Output.WriteLine(ending());
            return ExitCodes.Done;
        }
    }
}
