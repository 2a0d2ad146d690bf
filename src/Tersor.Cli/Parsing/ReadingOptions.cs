using System.CommandLine;
using Tersor.Onnx;

namespace Tersor.Cli.Parsing;

/// <summary>Options that say how model files are read: the same for every command.</summary>
internal sealed class ReadingOptions
{
    private readonly Option<bool> trustLinks = new("--trust-links")
    {
        Description = "Follow symbolic and hard links to external data, as link-based download caches need. Only for files you trust.",
    };

    private readonly Option<bool> inputsAreConstants = new(InputsAreConstants)
    {
        Description = "Take weights that the file lists as inputs, too, for constants: nobody feeds them. They are no inputs of the result.",
    };

    /// <summary>Name of the option for weights that are listed as inputs.</summary>
    public const string InputsAreConstants = "--inputs-are-constants";

    /// <summary>All of them, to be added to a command.</summary>
    public IEnumerable<Option> All => [trustLinks, inputsAreConstants];

    /// <summary>What was asked for.</summary>
    public ReadOptions Read(ParseResult parsed) => new() { TrustLinks = parsed.GetValue(trustLinks), InputsAreConstants = parsed.GetValue(inputsAreConstants) };
}
