using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Tersor.Cli.Parsing;

/// <summary>Options of the form name=value that may be given several times.</summary>
internal static class PairOptions
{
    /// <summary><c>--dim batch=1</c></summary>
    public static Option<Dictionary<string, long>> Dimensions(string description) => Create<long>("--dim", "name=size", description,
        text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size > 0 ? size : null, "a whole number of 1 or more, as in --dim batch=1");

    /// <summary><c>--input-shape x=1x3x48x320</c></summary>
    public static Option<Dictionary<string, long[]>> Shapes(string description) => Create<long[]>("--input-shape", "name=AxBxC", description,
        text => text.Split('x').Select(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size > 0 ? size : -1).ToArray() is var sizes && !sizes.Contains(-1)
            ? sizes : null, "sizes joined by x, as in --input-shape image=1x3x224x224");

    private static Option<Dictionary<string, T>> Create<T>(string option, string help, string description, Func<string, object?> parse, string expected) => new(option)
    {
        Description = description,
        HelpName = help,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            Dictionary<string, T> pairs = [];
            foreach (Token token in result.Tokens)
            {
                int equals = token.Value.LastIndexOf('='); // names may contain the sign, sizes do not
                if (equals <= 0 || parse(token.Value[(equals + 1)..]) is not T value)
                    result.AddError($"{option} '{token.Value}' is not understood; expected {expected}.");
                else if (!pairs.TryAdd(token.Value[..equals], value))
                    result.AddError($"{option} gives '{token.Value[..equals]}' twice.");
            }
            return pairs;
        },
    };
}
