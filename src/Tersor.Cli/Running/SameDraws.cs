using Tersor.Compression;
using Tersor.Onnx;

namespace Tersor.Cli.Running;

/// <summary>Models that draw random numbers, made to draw the same where they are compared.</summary>
internal static class SameDraws
{
    /// <summary>What is run in place of the files, by path; empty where fewer than two models are given or none draws.</summary>
    public static IReadOnlyDictionary<string, Model> Of(Terminal terminal, params CheckedModel?[] models)
    {
        Dictionary<string, Model> replaced = [];
        List<string> nodes = [];
        CheckedModel[] given = [.. models.OfType<CheckedModel>()];
        foreach (CheckedModel model in given.Length < 2 ? [] : given)
        {
            if (RandomSeeds.Fix(model.Model, out Model seeded) is not { } seeds)
                continue;
            replaced[model.Path] = seeded;
            nodes.AddRange(seeds.Nodes);
        }
        if (nodes.Count > 0)
            Say(terminal, nodes);
        return replaced;
    }

    /// <summary>Says that a model draws random numbers, where it does.</summary>
    public static void Note(Terminal terminal, Model model)
    {
        string[] nodes = [.. model.AllNodes().Where(RandomSeeds.Draws).Select(n => n.ToString())];
        if (nodes.Length > 0)
            Say(terminal, nodes);
    }

    private static void Say(Terminal terminal, IEnumerable<string> nodes) =>
        terminal.Say($"Note: random numbers are drawn ({string.Join(", ", nodes.Distinct().Take(3))}); models are compared with the same numbers drawn.");
}
