using Tersor.Data;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Losses;

/// <summary>What teachers said of every sample, so that they look at it once.</summary>
/// <remarks>Filled in the first pass over the samples and from then on only read: what a sample is told then does not depend on when training was interrupted. Samples are known by name; where a name turns up twice in
/// that pass, nothing is kept. Without the cache a sample's answer may differ in the last bit from epoch to epoch, where libtorch rounds a row by the size of its batch.</remarks>
/// <param name="limit">Bytes of memory.</param>
internal sealed class TeacherCache(long limit)
{
    private const int RowOverhead = 128;

    private readonly Dictionary<(bool HeldOut, string Sample), Row> rows = [];
    private readonly Dictionary<bool, int> first = [];
    private readonly HashSet<bool> off = [];
    private long used;

    /// <summary>Answers to a batch; null where a sample of it is not known.</summary>
    /// <param name="input">The batch.</param>
    /// <returns>Tensors in the order they were given in; owned by the current scope.</returns>
    public Tensor[]? Find(ObjectiveInput input)
    {
        first.TryAdd(input.HeldOut, input.Pass);
        if (first[input.HeldOut] == input.Pass || off.Contains(input.HeldOut))
            return null;
        string fed = Fed(input);
        Row[] found = new Row[input.Samples.Count];
        for (int i = 0; i < found.Length; i++)
        {
            // Padded to another size, a sample gets another answer.
            if (!rows.TryGetValue((input.HeldOut, input.Samples[i].Name), out Row? row) || row.Fed != fed)
                return null;
            found[i] = row;
        }
        return [.. Enumerable.Range(0, found[0].Values.Length).Select(k => tensor(Joined([.. found.Select(r => r.Values[k])]), [found.Length, .. found[0].Shapes[k]]))];
    }

    /// <summary>Keeps answers to a batch, as long as there is room.</summary>
    /// <param name="input">The batch.</param>
    /// <param name="answers">One row a sample.</param>
    public void Add(ObjectiveInput input, IReadOnlyList<Tensor> answers)
    {
        if (first[input.HeldOut] != input.Pass || off.Contains(input.HeldOut))
            return;
        IReadOnlyList<Sample> samples = input.Samples;
        if (answers.Any(a => a.dim() == 0 || a.shape[0] != samples.Count || a.dtype != ScalarType.Float32) || samples.Any(s => rows.ContainsKey((input.HeldOut, s.Name))) || samples.DistinctBy(s => s.Name).Count() < samples.Count)
        {
            Forget(input.HeldOut);
            return;
        }
        string fed = Fed(input);
        long[][] shapes = [.. answers.Select(a => a.shape[1..])];
        float[][] all = [.. answers.Select(a => TorchTensors.ToOnnx(a).ToFloats())];
        for (int i = 0; i < samples.Count; i++)
        {
            float[][] values = [.. all.Select(a => a.AsSpan(i * (a.Length / samples.Count), a.Length / samples.Count).ToArray())];
            used += RowOverhead + values.Sum(v => (long)v.Length * sizeof(float));
            if (used > limit)
                return;
            rows[(input.HeldOut, samples[i].Name)] = new(fed, shapes, values);
        }
    }

    /// <summary>Keeps nothing of these samples any more.</summary>
    public void Forget(bool heldOut)
    {
        off.Add(heldOut);
        foreach ((bool HeldOut, string Sample) key in rows.Keys.Where(k => k.HeldOut == heldOut).ToArray())
            rows.Remove(key);
    }

    private static float[] Joined(float[][] values)
    {
        float[] all = new float[values.Length * values[0].Length];
        for (int i = 0; i < values.Length; i++)
            values[i].CopyTo(all, i * values[0].Length);
        return all;
    }

    private static string Fed(ObjectiveInput input) => string.Join(';', input.Inputs.OrderBy(i => i.Key, StringComparer.Ordinal).Select(i => string.Join(',', i.Value.shape.Skip(1))));

    private sealed record Row(string Fed, long[][] Shapes, float[][] Values);
}
