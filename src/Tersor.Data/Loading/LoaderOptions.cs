namespace Tersor.Data.Loading;

/// <summary>How <see cref="DataLoader"/> reads a data set. Immutable; change it with <c>with</c>.</summary>
public sealed record LoaderOptions
{
    /// <summary>Samples in a batch. Default 1.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Reads in an order drawn by this seed, another one in every epoch; null (default): in the data set's order.</summary>
    public int? ShuffleSeed { get; init; }

    /// <summary>What fills up a tensor that is smaller than others of its batch, to the right and below. Default 0.</summary>
    public float PadValue { get; init; }

    /// <summary>Whether a last batch that is not full is left out. Default: no.</summary>
    public bool DropLast { get; init; }

    /// <summary>Batches that wait, read ahead; one more is in the making. 0: each is read when it is asked for. Default 2.</summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>Every broken rule, in words; empty when the options are usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (BatchSize < 1)
            yield return $"{nameof(BatchSize)} is {BatchSize}; expected 1 or more.";
        if (Prefetch is < 0 or > 64)
            yield return $"{nameof(Prefetch)} is {Prefetch}; expected 0..64.";
    }
}
