namespace Tersor.Data;

/// <summary>Parts of data sets. None reads a sample before it is asked for.</summary>
public static class DataSetExtensions
{
    /// <summary>The samples at <paramref name="indices"/>, in that order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside 0..Count-1.</exception>
    public static IDataSet Select(this IDataSet data, IReadOnlyList<int> indices)
    {
        foreach (int index in indices)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(indices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, data.Count, nameof(indices));
        }
        return new SubsetDataSet(data, data.Name, [.. indices]);
    }

    /// <summary>The first <paramref name="count"/> samples, or all when there are fewer.</summary>
    public static IDataSet Take(this IDataSet data, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return count >= data.Count ? data : new SubsetDataSet(data, data.Name, [.. Enumerable.Range(0, count)]);
    }

    /// <summary><paramref name="count"/> samples drawn by <paramref name="seed"/>, or all, reordered, when there are fewer.</summary>
    /// <param name="data">Where to draw from.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">The same seed draws the same samples.</param>
    /// <param name="stratified">Keep the proportions of the classes to within one sample.</param>
    /// <exception cref="DataException">Stratified, and a sample has no class.</exception>
    public static IDataSet Take(this IDataSet data, int count, int seed, bool stratified = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int[] order = Order(data, seed, stratified);
        return new SubsetDataSet(data, data.Name, order[..Math.Min(count, order.Length)]);
    }

    /// <summary>Two parts without a common sample that together hold all of them.</summary>
    /// <param name="data">What to split.</param>
    /// <param name="fraction">Share of the first part, 0..1; its size is rounded to the nearest whole number.</param>
    /// <param name="seed">The same seed splits in the same way.</param>
    /// <param name="stratified">Keep the proportions of the classes to within one sample.</param>
    /// <exception cref="DataException">Stratified, and a sample has no class.</exception>
    public static (IDataSet First, IDataSet Second) Split(this IDataSet data, double fraction, int seed, bool stratified = false)
    {
        if (!(fraction is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "Expected 0..1.");
        int[] order = Order(data, seed, stratified);
        int first = (int)Math.Round(fraction * order.Length, MidpointRounding.AwayFromZero);
        return (new SubsetDataSet(data, data.Name, order[..first]), new SubsetDataSet(data, data.Name, order[first..]));
    }

    /// <summary>The samples one after another, each read when the enumeration comes to it.</summary>
    public static IEnumerable<Sample> Samples(this IDataSet data) => Enumerable.Range(0, data.Count).Select(data.Read);

    internal static int[] Order(IDataSet data, int seed, bool stratified) => stratified ? Strata.EvenOrder(data, seed) : Strata.Shuffled(data.Count, seed);
}
