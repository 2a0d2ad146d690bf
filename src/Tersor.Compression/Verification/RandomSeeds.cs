using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>Seeds for nodes that draw random numbers, so that a model and what is made of it draw the same: otherwise chance decides how far they differ.</summary>
/// <remarks>A node that has a seed keeps it. The engine draws the same numbers in every session that runs the same samples in the same order.</remarks>
public sealed class RandomSeeds
{
    private readonly HashSet<long> given;

    private RandomSeeds(HashSet<long> given, IReadOnlyList<string> nodes) => (this.given, Nodes) = (given, nodes);

    /// <summary>The nodes that draw, seeded in the file or here.</summary>
    public IReadOnlyList<string> Nodes { get; }

    /// <summary>Whether a node draws random numbers, or may: a Dropout whose training mode is not a constant false.</summary>
    public static bool Draws(Node node) => node.Is("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
        || node.Is("Dropout") && node.OpsetVersion >= 12 && node.Input(2) is { } training && !(training.Constant is { Type: ElementType.Bool } constant && constant.ToInt64s().All(t => t == 0));

    /// <summary>Gives every node that draws and has no seed one of its own.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="seeded">A copy with the seeds; the model itself where nothing draws.</param>
    /// <returns>The seeds, to be taken away again; null where nothing draws.</returns>
    public static RandomSeeds? Fix(Model model, out Model seeded)
    {
        seeded = model;
        if (!model.AllNodes().Any(Draws))
            return null;
        seeded = model.Clone();
        Node[] drawing = [.. seeded.AllNodes().Where(Draws)];
        HashSet<long> taken = [.. drawing.Select(Seed).OfType<long>()], given = [];
        long next = 1;
        foreach (Node node in drawing.Where(n => !n.Attributes.ContainsKey("seed")))
        {
            while (!taken.Add(next))
                next++;
            given.Add(next);
            if (node.Is("Dropout"))
                node.SetAttribute("seed", next);
            else
                node.SetAttribute("seed", (float)next);
        }
        return new(given, [.. drawing.Select(n => n.ToString())]);
    }

    /// <summary>Takes the seeds given here away again, from the copy or a model made of it.</summary>
    public void Remove(Model model)
    {
        foreach (Node node in model.AllNodes().Where(n => Draws(n) && Seed(n) is { } seed && given.Contains(seed)))
            node.RemoveAttribute("seed");
    }

    private static long? Seed(Node node) => node.Attributes.GetValueOrDefault("seed") switch
    {
        NodeAttribute.Int number => number.Value,
        NodeAttribute.Float number when Math.Abs(number.Value) < 1 << 24 && number.Value == MathF.Truncate(number.Value) => (long)number.Value,
        _ => null,
    };
}
