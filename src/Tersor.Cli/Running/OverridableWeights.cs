using Tersor.Cli.Parsing;
using Tersor.Onnx;

namespace Tersor.Cli.Running;

/// <summary>Says once that weights are inputs a caller may feed, and how to say that nobody does.</summary>
internal static class OverridableWeights
{
    /// <summary>A note with the command to type, where it would make a difference.</summary>
    public static void Note(string path, Model model, Terminal terminal)
    {
        int count = model.AllGraphs().SelectMany(g => g.Initializers).Count(v => v.IsOverridable);
        if (count > 0)
            terminal.Say($"Note: {Plural.Of(count, "weight")} of {path} {Plural.Noun(count, "is listed as an input", "are listed as inputs")}, too: a caller may feed others, so {Plural.Noun(count, "it stays an input", "they stay inputs")}, and nothing is folded or quantized from {Plural.Noun(count, "it", "them")}. Where nobody does, say so: {Repeated(terminal)}");
    }

    private static string Repeated(Terminal terminal) => terminal.Arguments.Count == 0 ? ReadingOptions.InputsAreConstants
        : $"tersor {string.Join(' ', terminal.Arguments.Select(Quoted))} {ReadingOptions.InputsAreConstants}";

    private static string Quoted(string argument) => argument.Length > 0 && !argument.Any(c => char.IsWhiteSpace(c) || "'\"\\$&|;<>()*?`#!".Contains(c, StringComparison.Ordinal)) ? argument
        : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
