using System.CommandLine;

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

    /// <summary>Follow links to external data.</summary>
    public static Option<bool> TrustLinks() => new("--trust-links")
    {
        Description = "Follow symbolic and hard links to external data, as link-based download caches need. Only for files you trust.",
    };
}
