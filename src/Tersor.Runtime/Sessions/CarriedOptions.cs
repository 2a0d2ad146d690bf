using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Session options that belong to a model, because it was measured to be faster with them: kept in its metadata, and used whenever it is loaded here.</summary>
/// <remarks>A model file is untrusted input: only options that change how fast it runs are taken from it, never those that name files or switch checks off.</remarks>
public static class CarriedOptions
{
    /// <summary>What the metadata keys start with; the engine's key follows.</summary>
    public const string Prefix = "tersor.session.";

    /// <summary>The engine's key for rewrites to leave out, separated by semicolons.</summary>
    public const string DisabledOptimizers = "optimization.disable_specified_optimizers";

    /// <summary>Characters of a value: the engine refuses to load anything under a longer one.</summary>
    private const int MaxValue = 2000;

    private static readonly string[] Allowed = [DisabledOptimizers, "session.set_denormal_as_zero", "session.qdqisint8allowed", "session.enable_quant_qdq_cleanup"];

    /// <summary>The options among metadata, by the engine's key; those that may not be carried, or are too long to be options, are left out.</summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<KeyValuePair<string, string>> metadata) => metadata
        .Where(entry => entry.Key.StartsWith(Prefix, StringComparison.Ordinal) && IsCarried(entry.Key[Prefix.Length..], entry.Value)).ToDictionary(entry => entry.Key[Prefix.Length..], entry => entry.Value);

    /// <summary>Whether a model may carry an option: one that changes how fast it runs, with a value the engine takes.</summary>
    public static bool IsCarried(string key, string value) => Allowed.Contains(key) && value.Length <= MaxValue;

    /// <summary>Lets a model carry exactly these options.</summary>
    /// <exception cref="ArgumentException">One of them may not be carried.</exception>
    public static void Set(Model model, IReadOnlyDictionary<string, string> options)
    {
        if (options.FirstOrDefault(o => !IsCarried(o.Key, o.Value)).Key is { } refused)
            throw new ArgumentException($"'{refused}' cannot be carried by a model, or its value cannot; {string.Join(", ", Allowed)} can.", nameof(options));
        foreach (string key in model.Metadata.Keys.Where(k => k.StartsWith(Prefix, StringComparison.Ordinal)).ToArray())
            model.Metadata.Remove(key);
        foreach ((string key, string value) in options.OrderBy(o => o.Key, StringComparer.Ordinal))
            model.Metadata[Prefix + key] = value;
    }

    internal static SessionSettings Join(SessionSettings settings, string path)
    {
        // A file that is missing or broken is the engine's to refuse, in its words.
        try
        {
            return settings.CarriedOptions ? Join(settings, Model.LoadMetadata(path)) : settings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return settings;
        }
    }

    internal static SessionSettings Join(SessionSettings settings, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        if (!settings.CarriedOptions || Of(metadata) is not { Count: > 0 } carried)
            return settings;
        return settings with
        {
            DisabledOptimizers = [.. settings.DisabledOptimizers.Union(carried.GetValueOrDefault(DisabledOptimizers, "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
            Entries = carried.Where(o => o.Key != DisabledOptimizers && !settings.Entries.ContainsKey(o.Key)).Concat(settings.Entries).ToDictionary(o => o.Key, o => o.Value),
        };
    }
}
