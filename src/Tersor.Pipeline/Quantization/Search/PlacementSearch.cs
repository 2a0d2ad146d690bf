using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>One way to place 8 bits in a model.</summary>
/// <param name="Name">What is special about it, in a few words.</param>
/// <param name="Placement">What runs in 8 bits.</param>
/// <param name="Dynamic">Products among them that are quantized at run time, by unit key.</param>
/// <param name="Times">The costs it was chosen by; null for those of the table.</param>
/// <param name="Eagerness">As in <see cref="Placer.Eagerness"/>.</param>
internal sealed record PlacementCandidate(string Name, QuantizationPlacement Placement, IReadOnlySet<string> Dynamic, IReadOnlyDictionary<string, UnitTime>? Times, double Eagerness)
{
    /// <summary>What runs in 8 bits, and how.</summary>
    public IReadOnlySet<string> Forms => Placement.Units.Select(u => Dynamic.Contains(u.Key) ? $"{u.Key} dynamic" : u.Key).ToHashSet();

    /// <summary>Equal for candidates that give the same model.</summary>
    public string Signature => string.Join('\n', Forms.Order(StringComparer.Ordinal));

    /// <summary>How many changes lie between it and the proposal it came from.</summary>
    public int Changes { get; init; }

    /// <summary>The proposal it came from.</summary>
    public string Root => Name.Split("; ")[0];

    /// <summary>A candidate one change away from this one.</summary>
    public PlacementCandidate Changed(string what, QuantizationPlacement placement, IReadOnlySet<string> dynamic)
    {
        return new($"{Root}; {(Changes == 0 ? "" : $"{Changes + 1} changes, the last: ")}{what}", placement, dynamic, Times, Eagerness) { Changes = Changes + 1 };
    }

    /// <summary>The same in a repaired model whose values have the same names.</summary>
    public PlacementCandidate On(CalibratedModel model)
    {
        HashSet<string> keys = [.. Placement.Units.Select(u => u.Key)];
        return this with { Placement = model.Everything.Only(u => keys.Contains(u.Key)).Saying(Placement.Skipped) };
    }
}

/// <summary>Looks for the fastest placement: proposes those that are best by what is known of costs, and measures them beside each other.</summary>
/// <remarks>Costs of kernels do not add up exactly (layouts, caches, fusions at the seams), so that several proposals are worth a measurement each.</remarks>
internal sealed class PlacementSearch(Model original, CalibratedModel model, QuantizationNumbers numbers, Sample sample, SessionSettings session, TimeLimit time)
{
    /// <summary>First and last layers left float beside the best proposal: thin layers at high resolution rarely pay.</summary>
    private static readonly int[] Prefixes = [1, 2, 3, 5, 8], Suffixes = [1];

    /// <summary>Placements around the cheapest: costs are not exact.</summary>
    private static readonly double[] Eagernesses = [0.4, 0.7, 1.7];

    /// <summary>How often the best is changed a little and measured again, as long as that wins something.</summary>
    private const int Rounds = 3;

    private const double Worthwhile = 1.01;

    /// <summary>Regions left float beside the best proposal, each by itself: those that promise the least.</summary>
    private const int Islands = 3;

    /// <summary>A product whose dynamic form is slower by more than this is static: dynamic ranges are the more accurate, and cost about two percent.</summary>
    private const double DynamicAllowance = 1.1;

    private readonly Dictionary<string, (PlacementCandidate Candidate, MedianInterval SpeedUp, double Milliseconds)> tried = new(StringComparer.Ordinal);

    /// <summary>Everything measured, the fastest first.</summary>
    public IReadOnlyList<(PlacementCandidate Candidate, MedianInterval SpeedUp, double Milliseconds)> Run(IReadOnlyDictionary<string, UnitTime> times, IProgress<double>? progress, CancellationToken cancellation)
    {
        PlacementCandidate[] proposals =
        [
            .. Variants("cheapest by measured layer times", model.Place(times), times, 1),
            .. Eagernesses.SelectMany(e => Variants($"measured layer times, {(e < 1 ? "8 bits" : "float")} taken to be {(e < 1 ? 1 / e : e):0.#} times as slow", model.Place(times, e), times, e)),
            .. Variants("cheapest by the table of costs", model.Place(), null, 1),
            .. Variants("every layer with weights", model.Place(times, double.PositiveInfinity), times, double.PositiveInfinity),
            // What stands between two forms can be slower than either: the engine fuses a float addition into a product that reads 8-bit values.
            Everything(model, "everything that has an 8-bit form"),
            Whole("products alone, quantized at run time", Products(), times),
        ];
        Measure(proposals, new Part(progress, 0), cancellation);
        for (int round = 1; round <= Rounds && tried.Count > 0 && !time.IsOver; round++)
        {
            (PlacementCandidate best, MedianInterval speed, _) = tried.Values.MaxBy(t => t.SpeedUp.Median);
            int known = tried.Count;
            Measure([best, .. Neighbours(best).Where(c => !tried.ContainsKey(c.Signature))], new Part(progress, round), cancellation);
            if (tried.Count == known || tried.Values.Max(t => t.SpeedUp.Median) < Worthwhile * speed.Median)
                break;
        }
        return [.. tried.Values.OrderByDescending(t => t.SpeedUp.Median)];
    }

    private QuantizationPlacement Products()
    {
        QuantizationPlacement products = model.Everything.Only(u => u.GivesFloat || u.Rule.Kind == RuleKind.RunTime);
        HashSet<string> alone = Dynamic(products);
        return products.Only(u => alone.Contains(u.Key));
    }

    /// <summary>Everything of a model in 8 bits, products between float values with ranges found at run time.</summary>
    public static PlacementCandidate Everything(CalibratedModel model, string name) => Whole(name, model.Everything, null);

    private static PlacementCandidate Whole(string name, QuantizationPlacement placement, IReadOnlyDictionary<string, UnitTime>? times) => new(name, placement, Dynamic(placement), times, double.PositiveInfinity);

    /// <summary>The first or last layers float, or one region.</summary>
    private IEnumerable<PlacementCandidate> Neighbours(PlacementCandidate best)
    {
        QuantizationUnit[] layers = [.. best.Placement.Units.Where(u => u.IsLayer)];
        foreach (int count in Prefixes.Where(k => k < layers.Length))
            yield return Without(best, layers[..count], $"the first {Layers(count)} float");
        foreach (int count in Suffixes.Where(k => k < layers.Length))
            yield return Without(best, layers[^count..], $"the last {Layers(count)} float");
        foreach (IReadOnlyList<QuantizationUnit> region in best.Placement.Regions().Where(r => r.Any(u => u.IsLayer)).OrderBy(r => r.Sum(u => u.FloatCost - u.QuantizedCost)).SkipLast(1).Take(Islands))
            yield return Without(best, [.. region], $"the region of '{region.First(u => u.IsLayer).Name}' float");
    }

    private static string Layers(int count) => count == 1 ? "layer" : $"{count} layers";

    private PlacementCandidate Without(PlacementCandidate best, QuantizationUnit[] layers, string what)
    {
        Dictionary<string, string> stay = layers.ToDictionary(u => u.Key, _ => "the model was measured to be faster with it in float");
        QuantizationPlacement placement = model.Place(best.Times, best.Eagerness, stay);
        IReadOnlySet<string> dynamic = best.Dynamic.Count > 0 ? Dynamic(placement) : new HashSet<string>();
        return best.Changed(what, placement, dynamic);
    }

    private static IEnumerable<PlacementCandidate> Variants(string name, QuantizationPlacement placement, IReadOnlyDictionary<string, UnitTime>? times, double eagerness)
    {
        HashSet<string> dynamic = Dynamic(placement);
        yield return new(name, placement, dynamic, times, eagerness);
        HashSet<string> mixed = [.. dynamic.Where(key => times is null || !times.TryGetValue(key, out UnitTime? time) || !(time.Dynamic > DynamicAllowance * time.Quantized))];
        if (mixed.Count < dynamic.Count)
            yield return new($"{name}, products static where that is faster", placement, mixed, times, eagerness);
        HashSet<string> never = [.. placement.Units.Where(u => u.Rule.Kind == RuleKind.RunTime).Select(u => u.Key)];
        if (mixed.Count > never.Count)
            yield return new($"{name}, static products", placement, never, times, eagerness);
    }

    /// <summary>Products of a placement that stand between float values: their ranges can be found at run time.</summary>
    public static HashSet<string> Dynamic(QuantizationPlacement placement) => [.. placement.Isolated().Select(u => u.Key)];

    private void Measure(IReadOnlyList<PlacementCandidate> candidates, IProgress<double>? progress, CancellationToken cancellation)
    {
        PlacementCandidate[] distinct = [.. candidates.DistinctBy(c => c.Signature).Where(c => c.Placement.Units.Count > 0)];
        if (distinct.Length == 0)
            return;
        // Built as they are measured: all models of a large network at once would not fit into memory.
        foreach (PlacementCandidate[] part in distinct.Chunk(SpeedCheck.AtOnce(original)))
        {
            Model[] models = [original, .. part.Select(c => model.Build(c.Placement, numbers with { Dynamic = c.Dynamic }, out _))];
            var measured = SpeedCheck.Measure(models, sample, session, time, progress, cancellation);
            foreach ((PlacementCandidate candidate, (MedianInterval speedUp, double milliseconds)) in part.Zip(measured.Skip(1)))
                tried[candidate.Signature] = (candidate, speedUp, milliseconds);
        }
    }

    private sealed class Part(IProgress<double>? progress, int index) : IProgress<double>
    {
        public void Report(double value) => progress?.Report((index + value) / (Rounds + 1));
    }
}
