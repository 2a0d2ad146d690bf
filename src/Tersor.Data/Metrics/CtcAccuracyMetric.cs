using System.Text;
using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>Character accuracy of text that is decoded greedily from CTC scores [1, T, classes]: 1 − Σ edit distance / Σ characters, over all samples. Can be negative.</summary>
/// <remarks>Greedy decoding: Graves et al. 2006, "Connectionist temporal classification", section 3.2: best class a step, repeats merged, blanks dropped.</remarks>
internal sealed class CtcAccuracyMetric : IMetric
{
    private readonly string[] symbols;
    private readonly bool ignoreSpaces, fold;
    private readonly string? output;
    private readonly string label;
    private long errors, characters;

    /// <param name="keys">Symbols of classes 1, 2, ...; class 0 is the blank.</param>
    /// <param name="space">Whether one more class is the space.</param>
    /// <param name="ignoreSpaces">Leave out spaces on both sides.</param>
    /// <param name="fold">Fold typographic variants on both sides.</param>
    /// <param name="output">The output read; null: the first.</param>
    /// <param name="label">The label that holds the text.</param>
    public CtcAccuracyMetric(string[] keys, bool space, bool ignoreSpaces, bool fold, string? output, string label)
    {
        symbols = ["", .. keys, .. space ? [" "] : Array.Empty<string>()];
        (this.ignoreSpaces, this.fold, this.output, this.label) = (ignoreSpaces, fold, output, label);
    }

    /// <summary>The class of every symbol; where one stands twice, the first.</summary>
    public IReadOnlyDictionary<string, int> Classes => symbols.Index().Skip(1).DistinctBy(s => s.Item).ToDictionary(s => s.Item, s => s.Index);

    public string Name => "ctc-accuracy";

    public bool HigherIsBetter => true;

    public bool NeedsReference => false;

    public double Value => characters == 0 ? double.NaN : 1 - (double)errors / characters;

    public void Add(Observation observation)
    {
        Tensor text = Observations.Label(observation, label);
        if (text.Type != ElementType.String || text.Length != 1)
            throw new DataException($"Label '{label}' of sample '{observation.Sample.Name}' is {text}; expected one text.");
        string decoded = string.Concat(Observations.Select(observation.Outputs, output).Select(Decode));
        Rune[] expected = Comparable(Encoding.UTF8.GetString(text.Strings[0].Span)), actual = Comparable(decoded);
        errors += EditDistance.Between<Rune>(actual, expected);
        characters += expected.Length;
    }

    internal string Decode(Tensor scores)
    {
        if (scores.Rank == 0 || scores.Shape[^1] != symbols.Length)
            throw new DataException($"The output {scores} has other than {Plural.Of(symbols.Length, "class", "classes")}: the blank, and {Plural.Of(symbols.Length - 1, "symbol")} from the keys. Check 'keys' and 'space'.");
        StringBuilder text = new();
        int previous = 0;
        foreach (float[] row in Observations.RowsOf(scores))
        {
            int best = Observations.ArgMax(row);
            if (best != previous)
                text.Append(symbols[best]);
            previous = best;
        }
        return text.ToString();
    }

    private Rune[] Comparable(string text)
    {
        if (fold)
            text = TextFolding.Fold(text);
        return [.. text.EnumerateRunes().Where(r => !ignoreSpaces || !Rune.IsWhiteSpace(r))];
    }
}
