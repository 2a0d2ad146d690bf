using System.Globalization;

namespace Tersor.Data.Metrics;

/// <summary>A metric's parameters, read and checked.</summary>
internal sealed class MetricArguments(MetricEntry entry, IReadOnlyDictionary<string, string> values, string folder, string where)
{
    public string? Text(string name) => values.GetValueOrDefault(name) ?? entry.Parameters.First(p => p.Name == name).Default;

    public int Integer(string name, int from, int to) => int.TryParse(Text(name), out int value) && value >= from && value <= to
        ? value
        : throw Wrong(name, from == int.MinValue ? "a whole number" : $"a whole number, {from}..{to}");

    public double Number(string name, double from, double to) =>
        double.TryParse(Text(name), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= from && value <= to
            ? value
            : throw Wrong(name, from is double.MinValue ? "a number" : from is double.Epsilon ? "a number above 0" : $"a number, {from}..{to}");

    public bool Flag(string name) => Choice(name, "true", "false") == "true";

    public string Choice(string name, params string[] choices) => choices.Contains(Text(name)) ? Text(name)! : throw Wrong(name, string.Join(" or ", choices));

    /// <summary>The label it is compared with, or null for the reference model.</summary>
    public string? Against() => Text("against") is { } label && label != "reference" ? label : null;

    public string[] Lines(string name) => Sources.Files.Read(Path.Combine(folder, Text(name) ?? throw Wrong(name, "the name of a file")), File.ReadAllLines);

    private DataException Wrong(string name, string expected) =>
        new($"{where}parameter '{name}' of metric '{entry.Name}' is {(Text(name) is { } text ? $"'{text}'" : "missing")}; expected {expected}.");
}
