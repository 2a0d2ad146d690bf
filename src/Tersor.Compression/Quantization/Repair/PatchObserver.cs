using System.IO.Hashing;
using System.Text;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Keeps a bounded random sample of the input patches of layers: equally many from every sample of the data, at random places, by seed.</summary>
/// <remarks>Two models whose layers have the same names and shapes are sampled at the same places: the patches of one belong to those of the other.</remarks>
internal sealed class PatchObserver : ValueObserver
{
    private sealed class Kept(PatchGeometry geometry, int length, int rows, ulong seed)
    {
        public PatchGeometry Geometry => geometry;

        public int Length => length;

        public int Rows => rows;

        public ulong Seed => seed;

        public float[] Patches { get; } = new float[(long)rows * length];

        public int Filled { get; set; }

        /// <summary>Where the part of the sample being run begins and ends.</summary>
        public (int From, int To) Part { get; set; }

        public int Sample { get; set; } = -1;

        public int Calls { get; set; }

        public long Seen { get; set; }
    }

    private readonly Dictionary<Value, List<(string Key, Kept Kept)>> layers = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly int samples;

    /// <param name="wanted">Layers by name: the value each reads, its node with the float weight's shape, elements of a patch (all groups), rows to keep.</param>
    /// <param name="samples">Samples the data has.</param>
    /// <param name="seed">Draws the places.</param>
    public PatchObserver(IEnumerable<(string Key, Value Input, PatchGeometry Geometry, int Length, int Rows)> wanted, int samples, int seed)
    {
        this.samples = Math.Max(1, samples);
        foreach ((string key, Value input, PatchGeometry geometry, int length, int rows) in wanted)
        {
            if (!layers.TryGetValue(input, out List<(string, Kept)>? list))
                layers[input] = list = [];
            list.Add((key, new(geometry, length, rows, XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(key), seed))));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values => layers.Keys;

    /// <summary>The patches of a layer, [count, length]; empty when none came.</summary>
    public ReadOnlySpan<float> Patches(string key)
    {
        Kept kept = layers.Values.SelectMany(l => l).First(l => l.Key == key).Kept;
        return kept.Patches.AsSpan(0, kept.Filled * kept.Length);
    }

    /// <inheritdoc/>
    public override void Collect(Value value, ObservedTensor tensor)
    {
        ReadOnlySpan<float> floats = tensor.Floats;
        foreach ((_, Kept kept) in layers[value])
        {
            long places = kept.Geometry.Places(tensor.Shape);
            if (places == 0 || floats.IsEmpty)
                continue;
            if (tensor.Sample != kept.Sample)
            {
                int from = (int)((long)kept.Rows * tensor.Sample / samples), to = (int)((long)kept.Rows * (tensor.Sample + 1) / samples);
                (kept.Sample, kept.Calls, kept.Seen) = (tensor.Sample, 0, 0);
                // Samples without this value leave no gap.
                kept.Part = (kept.Filled, Math.Min(kept.Rows, kept.Filled + to - from));
                kept.Filled = kept.Part.To;
            }
            Random random = new(unchecked((int)(kept.Seed ^ (kept.Seed >> 32)) * 397 ^ tensor.Sample * 31 ^ kept.Calls++ * 7919));
            kept.Seen += places;
            for (int row = kept.Part.From; row < kept.Part.To; row++)
            {
                // Each row is a draw from all places of the sample so far, over its steps and iterations.
                long draw = random.NextInt64(kept.Seen);
                if (draw < places)
                    kept.Geometry.Copy(floats, tensor.Shape, draw, kept.Patches.AsSpan(row * kept.Length, kept.Length));
            }
        }
    }
}
