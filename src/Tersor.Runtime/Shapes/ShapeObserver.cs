using System.Collections.Immutable;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Types of a model's values: as declared where that is complete, otherwise as seen while running.</summary>
/// <param name="Types">What is known of each value; a dimension that is neither fixed nor a symbol is unknown. Values nothing is known of are absent.</param>
/// <param name="Problems">What kept parts from being observed, in words.</param>
public sealed record ObservedShapes(IReadOnlyDictionary<Value, OnnxType> Types, IReadOnlyList<string> Problems);

/// <summary>Runs a model at two sizes of every dynamic dimension to find which dimensions are fixed and which follow an input's.</summary>
public static class ShapeObserver
{
    private static readonly long[] FirstSizes = [1, 2, 32, 64, 224, 320, 512];

    /// <param name="model">Not modified.</param>
    /// <param name="sample">Inputs that fit; null to make up floats and bools. Integers have a meaning and cannot be made up.</param>
    /// <param name="settings">How the engine loads and runs the model.</param>
    /// <param name="cancellation">Looked at before every run.</param>
    public static ObservedShapes Observe(Model model, Sample? sample = null, SessionSettings? settings = null, CancellationToken cancellation = default)
    {
        Dictionary<Value, OnnxType> types = new(ReferenceEqualityComparer.Instance);
        Value[] all = [.. model.Graph.WithNested().SelectMany(g => g.Inputs.Concat(g.Initializers).Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>())).Distinct()];
        foreach (Value value in all)
        {
            if (value.Type is { } declared)
                types[value] = declared;
        }
        Value[] open = [.. all.Where(v => v.Constant is null && !(v.Graph.IsMain && v.IsGraphInput) && v.Type is null or OnnxType.Tensor { FixedShape: null })];
        if (open.Length == 0)
            return new(types, []);
        List<string> problems = [];
        InputSizes sizes = new(model, sample);
        if (sizes.Problem is { } problem)
            return new(types, [problem]);
        List<(IReadOnlyDictionary<string, long> Sizes, SeenShapesObserver Seen)> runs = [];
        IEnumerable<Dictionary<string, long>> starts = sample is not null || sizes.Symbols.Count == 0 ? [new(sizes.FromSample)]
            : FirstSizes.Select(size => sizes.Symbols.ToDictionary(s => s, s => sizes.IsBatch(s) ? 1 : size));
        string? failure = null;
        foreach (Dictionary<string, long> start in starts)
        {
            if ((failure = Try(start)) is null)
                break;
        }
        if (failure is not null)
            return new(types, [$"The model runs at none of the sizes tried: {failure}"]);
        IReadOnlyDictionary<string, long> first = runs[0].Sizes;
        foreach (string symbol in sizes.Symbols)
        {
            long size = first[symbol];
            // A doubled size keeps divisibility; one more catches what is not a multiple.
            if (new[] { 2 * size, size + 32, size + 1, 3 * size }.All(other => Try(new(first) { [symbol] = other }) is not null))
                problems.Add($"Dimension '{symbol}' could not be changed from {size}: what follows it looks fixed.");
        }
        foreach (Value value in open)
        {
            if (Join(value, runs, sizes.Symbols) is { } type)
                types[value] = type;
        }
        return new(types, problems);

        string? Try(Dictionary<string, long> chosen)
        {
            SeenShapesObserver observer = new(open);
            try
            {
                Observer.Observe(model, [sizes.Make(chosen)], new Dictionary<string, string>(), [observer], new() { Session = settings ?? new() }, null, cancellation);
            }
            catch (RuntimeException e)
            {
                return e.Message;
            }
            runs.Add((chosen, observer));
            return null;
        }
    }

    /// <summary>One type from several runs: a dimension is fixed where it never changes, a symbol where it equals that symbol's size in every run.</summary>
    private static OnnxType.Tensor? Join(Value value, List<(IReadOnlyDictionary<string, long> Sizes, SeenShapesObserver Seen)> runs, IReadOnlyList<string> symbols)
    {
        (IReadOnlyDictionary<string, long> Sizes, SeenShapes Seen)[] seen = [.. runs.Where(r => r.Seen.Seen.ContainsKey(value)).Select(r => (r.Sizes, r.Seen.Seen[value]))];
        if (seen.Length == 0)
            return null;
        ElementType type = seen[0].Seen.ElementType;
        int rank = seen[0].Seen.Shapes[0].Length;
        if (seen.Any(s => s.Seen.Shapes.Any(shape => shape.Length != rank)))
            return new(type, null);
        ImmutableArray<Dimension>? declared = value.Type?.AsTensor?.Shape is { } known && known.Length == rank ? known : null;
        return new(type, [.. Enumerable.Range(0, rank).Select(Dimension)]);

        Dimension Dimension(int axis)
        {
            if (declared is { } fixedOnes && fixedOnes[axis].Size is not null)
                return fixedOnes[axis];
            long size = seen[0].Seen.Shapes[0][axis];
            // A branch seen at one size only, or a symbol that was never changed, proves nothing about a dimension that happens to equal it.
            if (seen.Length > 1 && seen.All(s => s.Seen.Shapes.All(shape => shape[axis] == size)) && seen.Length == runs.Count)
                return size;
            if (symbols.Count == 0 && seen[0].Seen.Shapes.All(shape => shape[axis] == size))
                return size;
            string? symbol = seen.Length < 2 ? null : symbols.FirstOrDefault(name => seen.Select(s => s.Sizes[name]).Distinct().Count() > 1 && seen.All(s => s.Seen.Shapes.All(shape => shape[axis] == s.Sizes[name])));
            return symbol is null ? declared?[axis] ?? default : new(null, symbol);
        }
    }
}
