using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Cli.Parsing;

/// <summary>Arguments and options that several commands share, so that they look the same everywhere.</summary>
internal static class CommonOptions
{
    /// <summary>The model to read.</summary>
    public static Argument<string> Model(string description = "ONNX file to read.", string name = "model")
    {
        Argument<string> argument = new(name) { Description = description };
        // An unknown option would otherwise be taken for the model.
        argument.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(t => t.Value.StartsWith('-')) is { } token)
                result.AddError($"Unknown option '{token.Value}'.");
        });
        return argument;
    }

    /// <summary>Print JSON instead of tables.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON document on stdout instead of tables." };

    /// <summary>Train no scales.</summary>
    /// <param name="start">When it has a meaning, and the verb.</param>
    public static Option<bool> FixedScales(string start) => new("--fixed-scales") { Description = $"{start} the steps of quantization as calibration found them; otherwise they are learned." };

    /// <summary>The model to write.</summary>
    public static Option<string> Output() => new("--output", "-o") { Description = "ONNX file to write. It appears complete or not at all.", Required = true, HelpName = "file" };

    /// <summary>A page with charts.</summary>
    public static Option<string?> Report() => new("--report") { HelpName = "file", Description = "Write a report with charts: one HTML file that needs nothing else." };

    /// <summary>Write over the input.</summary>
    public static Option<bool> Force() => new("--force") { Description = "Allow the output to replace the input." };

    /// <summary>Where large tensors go.</summary>
    public static Option<ExternalDataMode> ExternalData() => new("--external-data")
    {
        Description = "Where large tensors go: Auto (into the file unless it would exceed 2 GB or they were outside already), Never, Always (a file beside the model).",
        DefaultValueFactory = _ => new WriteOptions().ExternalData,
    };

    /// <summary>Threads of the engine.</summary>
    public static Option<int> Threads() => new("--threads")
    {
        HelpName = "n",
        Description = "Threads the engine may use within one operator; 0 lets it choose.",
        DefaultValueFactory = _ => new SessionSettings().Threads,
        Validators = { result => Range(result, "--threads", 0, 1024) },
    };

    /// <summary>Samples read, at most.</summary>
    public static Option<int?> Limit() => OptionalNumber("--limit", "Samples read, at most: the first ones.", 1);

    /// <summary>A whole number that need not be given.</summary>
    public static Option<int?> OptionalNumber(string name, string description, int least) => new(name)
    {
        Description = description,
        HelpName = "n",
        Validators = { result => Range(result, name, least, int.MaxValue) },
    };

    /// <summary>Rounds of a latency measurement.</summary>
    public static Option<int> Rounds(int value) => new("--rounds")
    {
        Description = "Rounds of the latency measurement; in each, every model is measured once.",
        HelpName = "n",
        DefaultValueFactory = _ => value,
        Validators = { result => Range(result, "--rounds", 1, 1_000_000) },
    };

    /// <summary>A whole number.</summary>
    public static Option<int> Number(string name, string description, int value, int least) => new(name)
    {
        Description = description,
        HelpName = "n",
        DefaultValueFactory = _ => value,
        Validators = { result => Range(result, name, least, int.MaxValue) },
    };

    /// <inheritdoc cref="Range(OptionResult, string, int, int)"/>
    public static void Range(OptionResult result, string option, double least, double most)
    {
        if (result.Tokens is [{ Value: var text }] && double.TryParse(text, CultureInfo.InvariantCulture, out double value) && !(value >= least && value <= most))
            result.AddError($"{option} is {text}; expected {least}..{most}.");
    }

    /// <summary>Refuses a number outside a range.</summary>
    public static void Range(OptionResult result, string option, int least, int most)
    {
        if (result.Tokens is [{ Value: var text }] && int.TryParse(text, out int value) && (value < least || value > most))
            result.AddError(most == int.MaxValue ? $"{option} is {value}; expected {least} or more." : $"{option} is {value}; expected {least}..{most}.");
    }
}
