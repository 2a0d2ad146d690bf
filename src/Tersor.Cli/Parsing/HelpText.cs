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
    private static readonly ConditionalWeakTable<Command, string> Endings = [];

    /// <summary>Gives a command the text that comes after its options: an explanation, wrapped by hand, and examples.</summary>
    public static T WithHelp<T>(this T command, string explanation, params string[] examples) where T : Command
    {
        Endings.AddOrUpdate(command, $"{explanation}\n\nExamples:\n  {string.Join("\n  ", examples)}\n");
        return command;
    }

    /// <summary>Lets `--help` of the root and all commands print in this form.</summary>
    public static void Install(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Explain the command and its options.";
        help.Action = new Action((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Description = "Print the version.";
    }

    private sealed class Action(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            inner.MaxWidth = Width;
            inner.Invoke(parsed);
            if (Endings.TryGetValue(parsed.CommandResult.Command, out string? ending))
                parsed.InvocationConfiguration.Output.WriteLine(ending);
            return ExitCodes.Done;
        }
    }
}
