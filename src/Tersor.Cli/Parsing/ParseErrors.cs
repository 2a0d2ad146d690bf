using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Tersor.Cli.Parsing;

/// <summary>Says what is wrong with a command line, and what was perhaps meant.</summary>
internal static class ParseErrors
{
    /// <summary>Reports every error.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(ParseResult parsed, Terminal terminal)
    {
        Command command = parsed.CommandResult.Command;
        foreach (string message in Messages(parsed).Distinct())
            terminal.Say($"Error: {message}");
        foreach (string token in parsed.UnmatchedTokens.Concat(parsed.Tokens.Where(t => t.Type == TokenType.Argument && t.Value.StartsWith('-')).Select(t => t.Value)).Distinct())
        {
            if (Closest(token, Names(command)) is { } meant)
                terminal.Say($"Did you mean '{meant}'?");
        }
        terminal.Say($"See '{Path(parsed.CommandResult)} --help'.");
        return ExitCodes.WrongUsage;
    }

    /// <summary>The parser's messages, in the words of the command line where it speaks of types and symbols.</summary>
    private static IEnumerable<string> Messages(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (command.Subcommands.Count > 0)
        {
            yield return parsed.UnmatchedTokens is [var word, ..]
                ? $"There is no {(word.StartsWith('-') ? "option" : "command")} '{word}'." : $"No command is given; there are {string.Join(", ", command.Subcommands.Select(c => c.Name))}.";
            yield break;
        }
        SymbolResult[] empty = [.. Empty(parsed)];
        foreach (SymbolResult result in empty)
            yield return $"{(result is OptionResult { Option.Name: var given } ? given : result is ArgumentResult { Argument.Name: var argument } ? argument : "An argument")} is empty; expected a value.";
        foreach (ParseError error in parsed.Errors.Where(e => !empty.Contains(e.SymbolResult) && !empty.Contains(e.SymbolResult?.Parent)))
            yield return error.SymbolResult is OptionResult given && Unfit(given) is { } unfit ? unfit : error.Message;
    }

    /// <summary>The first of an option's values that is none of its type.</summary>
    private static string? Unfit(OptionResult result) => result.Tokens.Select(t => Expected(result.Option.ValueType, t.Value) is { } expected ? $"{result.Option.Name} is '{t.Value}'; expected {expected}." : null).FirstOrDefault(m => m is not null);

    /// <summary>Arguments and options that were given nothing: no file, name or number is empty, as an unset variable of a shell is.</summary>
    public static IEnumerable<SymbolResult> Empty(ParseResult parsed) => parsed.CommandResult.Children.Where(c => c.Tokens.Any(t => string.IsNullOrWhiteSpace(t.Value)));

    /// <summary>What a value of a type looks like; null for types that report themselves, and where the text is one.</summary>
    private static string? Expected(Type type, string text) => (Nullable.GetUnderlyingType(type) ?? type.GetElementType() ?? type) switch
    {
        { IsEnum: true } choice => Enum.TryParse(choice, text, ignoreCase: true, out _) ? null : string.Join(", ", Enum.GetNames(choice)),
        var number when number == typeof(int) => int.TryParse(text, CultureInfo.InvariantCulture, out _) ? null : "a whole number",
        var number when number == typeof(double) => double.TryParse(text, CultureInfo.InvariantCulture, out _) ? null : "a number",
        _ => null,
    };

    /// <summary>The candidate nearest to a word, when it is near enough to be a slip of the finger.</summary>
    internal static string? Closest(string word, IEnumerable<string> candidates) => candidates
        .Select(candidate => (Candidate: candidate, Distance: Distance(word, candidate)))
        .Where(pair => pair.Distance <= Math.Max(1, Math.Min(word.Length, pair.Candidate.Length) / 3))
        .OrderBy(pair => pair.Distance).ThenBy(pair => pair.Candidate, StringComparer.Ordinal)
        .Select(pair => pair.Candidate).FirstOrDefault();

    private static IEnumerable<string> Names(Command command) => command.Subcommands.Cast<Symbol>().Concat(command.Options).Select(symbol => symbol.Name);

    private static string Path(CommandResult result) => result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "tersor";

    /// <summary>Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.</summary>
    private static int Distance(string a, string b)
    {
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1, cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
