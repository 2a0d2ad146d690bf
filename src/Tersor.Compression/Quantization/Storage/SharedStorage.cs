using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Storage;

/// <summary>Stores equal integer weights once: over the layers that read them, and over bodies of If, Loop and Scan.</summary>
internal static class SharedStorage
{
    /// <summary>Bytes below which a tensor stays in its body: there is little to save, and an engine prepares the constants of a body better where they stand in it.</summary>
    private const long LeastBytes = 1024;

    /// <summary>Merges what is equal.</summary>
    public static void Merge(Model model)
    {
        Dictionary<ulong, List<Value>> known = [];
        foreach (Value value in Candidates(model))
        {
            ulong hash = value.Tensor!.ContentHash();
            if (!known.TryGetValue(hash, out List<Value>? equal))
                known[hash] = equal = [];
            int place = equal.FindIndex(v => v.Tensor!.ContentEquals(value.Tensor!) && v.Constraints.SequenceEqual(value.Constraints)
                && (value.Tensor!.ByteLength >= LeastBytes || ReferenceEquals(v.Graph, value.Graph)));
            if (place < 0)
                equal.Add(value);
            else
                equal[place] = Unite(equal[place], value);
        }
    }

    private static Value[] Candidates(Model model) => [.. model.Graph.WithNested().SelectMany(g => g.Initializers)
        .Where(v => v.Constant is { } tensor && !v.IsGraphInput && !v.IsGraphOutput && !v.IsUnused && tensor.Type.IsInteger() && tensor.Type.Bits() <= 8 && tensor.Rank >= 2)];

    /// <summary>Lets the readers of both read one tensor, in the innermost graph around them.</summary>
    private static Value Unite(Value first, Value second)
    {
        Graph common = first.Graph;
        while (!common.WithNested().Contains(second.Graph))
            common = common.Parent!;
        Value kept = first;
        if (!ReferenceEquals(common, first.Graph))
        {
            kept = common.AddInitializer(first.Name, first.Tensor!);
            foreach (Constraint constraint in first.Constraints)
                kept.Constraints.Add(constraint);
            Replace(first, kept);
        }
        Replace(second, kept);
        return kept;
    }

    private static void Replace(Value old, Value other)
    {
        old.ReplaceAllUsesWith(other);
        old.Graph.RemoveInitializer(old);
    }
}
