using System.Text;

namespace Tersor.Testing.FrontDoor;

/// <summary>What came of the runs, by command.</summary>
internal sealed class FrontDoorTally
{
    private readonly SortedDictionary<string, Row> rows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> messages = [];
    private readonly Dictionary<string, List<string>> faults = [];

    /// <summary>Runs so far.</summary>
    public int Runs => rows.Values.Sum(r => r.Runs);

    /// <summary>Runs that broke a promise, by the kind of fault, each with what to repeat it by.</summary>
    public IReadOnlyDictionary<string, List<string>> Faults => faults;

    public void Add(string command, ProcessOutcome outcome, IReadOnlyList<string> broken, string repeat)
    {
        if (!rows.TryGetValue(command, out Row? row))
            rows[command] = row = new();
        row.Runs++;
        if (outcome.ExitCode is >= 0 and <= 3)
            row.ByCode[outcome.ExitCode]++;
        row.Slowest = outcome.Time > row.Slowest ? outcome.Time : row.Slowest;
        row.Total += outcome.Time;
        row.Peak = Math.Max(row.Peak, outcome.PeakBytes);
        row.Faults += broken.Count > 0 ? 1 : 0;
        if (RunJudge.Kind(outcome) is { } kind)
            messages[kind] = messages.GetValueOrDefault(kind) + 1;
        foreach (string fault in broken)
        {
            string general = RunJudge.General(fault);
            if (!faults.TryGetValue(general, out List<string>? known))
                faults[general] = known = [];
            known.Add(repeat);
        }
    }

    /// <summary>The table, the kinds of message, the faults.</summary>
    public string Text()
    {
        StringBuilder text = new();
        text.AppendLine("| command | runs | exit 0 | 1 | 2 | 3 | mean s | slowest s | peak MB | faults |").AppendLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach ((string command, Row row) in rows)
            text.AppendLine($"| {command} | {row.Runs} | {string.Join(" | ", row.ByCode)} | {row.Total.TotalSeconds / row.Runs:0.0} | {row.Slowest.TotalSeconds:0.0} | {row.Peak >> 20} | {row.Faults} |");
        text.AppendLine($"| all | {Runs} | {string.Join(" | ", Enumerable.Range(0, 4).Select(code => rows.Values.Sum(r => r.ByCode[code])))} | | | | {rows.Values.Sum(r => r.Faults)} |").AppendLine();
        text.AppendLine($"{messages.Count} kinds of message:");
        foreach ((string message, int count) in messages.OrderByDescending(m => m.Value).ThenBy(m => m.Key, StringComparer.Ordinal))
            text.AppendLine($"{count,6}  {message}");
        text.AppendLine().AppendLine($"{faults.Count} kinds of fault:");
        foreach ((string fault, List<string> where) in faults.OrderByDescending(f => f.Value.Count))
            text.AppendLine($"{where.Count,6}  {fault}").AppendLine($"        {string.Join("; ", where.Take(3))}");
        return text.ToString();
    }

    private sealed class Row
    {
        public int Runs { get; set; }

        public int[] ByCode { get; } = new int[4];

        public TimeSpan Slowest { get; set; }

        public TimeSpan Total { get; set; }

        public long Peak { get; set; }

        public int Faults { get; set; }
    }
}
