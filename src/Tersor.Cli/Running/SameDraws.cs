using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Pipeline;

namespace Tersor.Cli.Running;

/// <summary>Models that draw random numbers, made to draw the same where they are compared.</summary>
internal static class SameDraws
{
    /// <summary>What is run: the files, but those that draw, where they are compared.</summary>
    public static ModelSource[] Of(Terminal terminal, params CheckedModel[] models)
    {
        List<string> nodes = [];
        ModelSource[] run = [.. models.Select(m => models.Length > 1 ? Fixed(m, nodes) : m.Path)];
        if (nodes.Count > 0)
            Say(terminal, nodes);
        return run;
    }

    /// <summary>Says that a model draws random numbers, where it does.</summary>
    public static void Note(Terminal terminal, Model model)
    {
        string[] nodes = [.. model.AllNodes().Where(RandomSeeds.Draws).Select(n => n.ToString())];
        if (nodes.Length > 0)
            Say(terminal, nodes);
    }

    private static ModelSource Fixed(CheckedModel model, List<string> nodes)
    {
        if (RandomSeeds.Fix(model.Model, out Model seeded) is not { } seeds)
            return model.Path;
        nodes.AddRange(seeds.Nodes);
        return new(seeded, model.Path);
    }

    private static void Say(Terminal terminal, IEnumerable<string> nodes) =>
        terminal.Say($"Note: random numbers are drawn ({string.Join(", ", nodes.Distinct().Take(3))}); models are compared with the same numbers drawn.");
}
