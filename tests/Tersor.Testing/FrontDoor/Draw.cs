namespace Tersor.Testing.FrontDoor;

/// <summary>Random choices of a mutation, from a seed: often ordinary, now and then at the edge of what a format can say.</summary>
internal sealed class Draw(int seed)
{
    private static readonly long[] Integers = [0, 1, 2, 3, -1, -2, 7, 8, 17, 64, 255, 1 << 26, int.MaxValue, 1L << 31, 1L << 32, 1L << 40, 1L << 62, long.MaxValue, int.MinValue, long.MinValue];
    private static readonly float[] Numbers = [0f, -0f, 1f, -1f, 0.5f, 1e-7f, 1e-45f, 1e10f, 1e38f, -1e38f, float.NaN, float.PositiveInfinity, float.NegativeInfinity];
    private static readonly string[] Names =
    [
        "", " ", "\u001b[2J", "a\u0007b", "\u009b31m", "\u202egnp.exe", "two\nlines", "tab\there", "../outside", "/etc/passwd", "CON", "a'b\"c", "{0}", "%s", "模型", "a/b:c", "[bold]red[/]", "nul\0inside", new('n', 3000),
    ];

    private readonly Random random = new(seed);

    public Random Random => random;

    public int Below(int count) => random.Next(count);

    public bool OneIn(int count) => random.Next(count) == 0;

    public T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];

    /// <summary>One of several, or the default where there are none.</summary>
    public T? Any<T>(IEnumerable<T> from) => from.ToArray() is { Length: > 0 } all ? Pick(all) : default;

    public long Integer() => Pick(Integers);

    /// <summary>A number near another one, or any.</summary>
    public long Integer(long near) => OneIn(2) ? unchecked(near + random.Next(-2, 3)) : Integer();

    public float Number() => Pick(Numbers);

    public string Name() => Pick(Names);
}
