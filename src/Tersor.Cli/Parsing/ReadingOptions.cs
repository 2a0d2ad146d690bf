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

    private readonly Option<long?> memoryLimit = SizeOption.Create(MemoryLimit,
        "Memory that the child process may take in which a model is tried first, such as 8GB. Four times what its weights take in memory, and 2.15 GB, unless said otherwise.");

    /// <summary>Name of the option for the memory of the child.</summary>
    public const string MemoryLimit = "--memory-limit";

    /// <summary>All of them, to be added to a command that runs models.</summary>
    public IEnumerable<Option> All => [.. OfFiles, memoryLimit];

    /// <summary>Those for a command that only reads them.</summary>
    public IEnumerable<Option> OfFiles => [trustLinks, inputsAreConstants];

    /// <summary>What was asked for.</summary>
    public ModelReading Read(ParseResult parsed) => new()
    {
        Options = new() { TrustLinks = parsed.GetValue(trustLinks), InputsAreConstants = parsed.GetValue(inputsAreConstants) },
        MemoryLimit = parsed.GetResult(memoryLimit) is null ? null : parsed.GetValue(memoryLimit),
    };
}

/// <summary>How model files are read, and tried.</summary>
internal sealed record ModelReading
{
    /// <summary>How they are read.</summary>
    public ReadOptions Options { get; init; } = new();

    /// <summary>Bytes the child process may take; null: as follows from the model.</summary>
    public long? MemoryLimit { get; init; }

    public static implicit operator ReadOptions(ModelReading reading) => reading.Options;
}
