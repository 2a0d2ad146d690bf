namespace Tersor.Compression;

/// <summary>One line of the catalogue: a pass by name.</summary>
/// <param name="Name">The name on the command line, in recipes, in reports.</param>
/// <param name="Description">What it does, in one line.</param>
/// <param name="OptionsType">The type of its options; null when it has none.</param>
/// <param name="Create">Makes the pass from its options, or from the defaults when they are null.</param>
public sealed record PassEntry(string Name, string Description, Type? OptionsType, Func<object?, Pass> Create)
{
    /// <summary>A pass without options.</summary>
    public static PassEntry Of(string name, string description, Func<Pass> create) => new(name, description, null, _ => create());

    /// <summary>A pass with options whose defaults are usable.</summary>
    public static PassEntry Of<TOptions>(string name, string description, Func<TOptions, Pass> create) where TOptions : class, new() =>
        new(name, description, typeof(TOptions), options => create((TOptions?)options ?? new()));
}
