using Tersor.Onnx;

namespace Tersor.Data;

/// <summary>Which class each sample belongs to, and an order that mixes the classes evenly.</summary>
internal static class Strata
{
    public static string? Of(IDataSet data, int index)
    {
        if (data is IStratified stratified)
            return stratified.Stratum(index);
        return data.Read(index).Labels.TryGetValue("label", out Tensor? label) && label is { Length: 1, Type: not ElementType.String }
            ? label.ToDoubles()[0].ToString("R")
            : null;
    }

    /// <summary>All indices, shuffled by <paramref name="seed"/>; every prefix holds the classes in the proportions of the whole, to within one sample each.</summary>
    public static int[] EvenOrder(IDataSet data, int seed)
    {
        int[] shuffled = Shuffled(data.Count, seed);
        Dictionary<string, List<int>> classes = new(StringComparer.Ordinal);
        foreach (int index in shuffled)
        {
            string stratum = Of(data, index) ?? throw new DataException($"{data.Name}: sample {index} has no class, so the subset cannot be stratified. Leave out 'stratified', or give labels.");
            if (!classes.TryGetValue(stratum, out List<int>? members))
                classes.Add(stratum, members = []);
            members.Add(index);
        }
        // The j-th of n members of a class stands at (j + ½) / n of the whole; ties keep the order in which the classes were met.
        return [.. classes.Values
            .SelectMany((members, rank) => members.Select((index, j) => (Place: (j + 0.5) / members.Count, Rank: rank, Index: index)))
            .OrderBy(m => m.Place).ThenBy(m => m.Rank).Select(m => m.Index)];
    }

    public static int[] Shuffled(int count, int seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(order);
        return order;
    }
}
