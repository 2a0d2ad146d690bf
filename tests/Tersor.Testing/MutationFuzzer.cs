using System.Diagnostics;
using System.Text.RegularExpressions;
using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Breaks model files in random ways and reads them: every outcome but a model that survives a round trip, or an <see cref="OnnxException"/>, is a failure.</summary>
/// <remarks>The same seed gives the same files in the same order.</remarks>
public sealed partial class MutationFuzzer
{
    private const long MaxAllocated = 500L << 20;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(2);

    private readonly Random random;
    private readonly BytesMutator bytes;
    private readonly byte[][] seeds;
    private readonly List<string> failures = [];

    /// <param name="seeds">Valid small files to start from.</param>
    /// <param name="seed">Of the random numbers.</param>
    public MutationFuzzer(IEnumerable<byte[]> seeds, int seed)
    {
        this.seeds = [.. seeds];
        random = new(seed);
        bytes = new(random);
    }

    /// <summary>Files tried.</summary>
    public long Runs { get; private set; }

    /// <summary>Files that were read, written and read again as the same graph.</summary>
    public long Accepted { get; private set; }

    /// <summary>How often each kind of message came, names and numbers taken out.</summary>
    public Dictionary<string, long> Messages { get; } = [];

    /// <summary>What went wrong, with the file that does it.</summary>
    public IReadOnlyList<string> Failures => failures;

    /// <summary>Longest time one file took.</summary>
    public TimeSpan Slowest { get; private set; }

    /// <summary>Most bytes allocated for one file.</summary>
    public long LargestAllocation { get; private set; }

    /// <summary>The smaller shared models of every group and synthetic ones; at least the synthetic ones where shared files are absent.</summary>
    public static IReadOnlyList<byte[]> DefaultSeeds()
    {
        List<byte[]> seeds = [.. SyntheticModels.All().Select(m => m.ToBytes())];
        foreach (string path in SharedFiles.BackendTests.Where((_, i) => i % 5 == 0).Select(d => Path.Combine(d, "model.onnx")).Where(f => new FileInfo(f).Length < 20_000))
            seeds.Add(File.ReadAllBytes(path));
        return seeds;
    }

    /// <summary>Tries files until the time is over or something fails <paramref name="maxFailures"/> times.</summary>
    /// <param name="time">How long.</param>
    /// <param name="folder">Where files that fail are kept.</param>
    /// <param name="maxFailures">When to give up.</param>
    /// <param name="progress">Called about once a minute.</param>
    public void Run(TimeSpan time, string folder, int maxFailures = 10, Action? progress = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        TimeSpan next = TimeSpan.FromMinutes(1);
        while (watch.Elapsed < time && failures.Count < maxFailures)
        {
            Try(random.Next(2) == 0 ? bytes.Mutate(Pick(seeds), seeds) : MutateStructure(), folder);
            if (watch.Elapsed > next)
            {
                progress?.Invoke();
                next += TimeSpan.FromMinutes(1);
            }
        }
    }

    private void Try(byte[] file, string folder)
    {
        Runs++;
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        string? problem = null;
        try
        {
            Model model = Model.Load(new MemoryStream(file));
            problem = RoundTrip(model);
            Accepted += problem is null ? 1 : 0;
        }
        catch (OnnxException e)
        {
            string kind = Kind(e.Message);
            Messages[kind] = Messages.GetValueOrDefault(kind) + 1;
            problem = e.Message.Any(char.IsControl) ? $"message of several lines: {e.Message}" : null;
        }
        catch (Exception e)
        {
            problem = e.ToString();
        }
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Slowest = took > Slowest ? took : Slowest;
        LargestAllocation = Math.Max(LargestAllocation, allocated);
        problem ??= took > MaxTime ? $"took {took}" : allocated > MaxAllocated ? $"allocated {allocated >> 20} MB" : null;
        if (problem is null)
            return;
        string path = Path.Combine(Directory.CreateDirectory(folder).FullName, $"failure-{failures.Count}.onnx");
        File.WriteAllBytes(path, file);
        failures.Add($"{path}: {problem}");
    }

    /// <summary>What was read can be written; what is written reads as the same graph. Null when so.</summary>
    private static string? RoundTrip(Model model)
    {
        byte[] written;
        try
        {
            written = model.ToBytes();
        }
        catch (OnnxException e)
        {
            return $"was read, but cannot be written: {e.Message}";
        }
        try
        {
            IReadOnlyList<string> differences = GraphComparer.Differences(model, Model.Load(new MemoryStream(written)));
            return differences.Count == 0 ? null : $"differs after a round trip: {string.Join("; ", differences)}";
        }
        catch (OnnxException e)
        {
            return $"was read and written, but cannot be read again: {e.Message}";
        }
    }

    /// <summary>Fields dropped, doubled, moved in from other files, numbers and texts exchanged; lengths stay right, so that the damage gets past the parser.</summary>
    private byte[] MutateStructure()
    {
        WireTree file = WireTree.Parse(Pick(seeds));
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            WireTree[] messages = [.. file.All().Where(f => f.IsMessage && f.Fields.Count > 0)];
            if (messages.Length == 0)
                break;
            List<WireTree> fields = Pick(messages).Fields;
            int at = random.Next(fields.Count);
            WireTree field = fields[at];
            switch (random.Next(7))
            {
                case 0:
                    fields.RemoveAt(at);
                    break;
                case 1:
                    fields.Insert(random.Next(fields.Count + 1), field);
                    break;
                case 2: // of another file or place, what stands for the same thing
                    WireTree[] same = [.. WireTree.Parse(Pick(seeds)).All().Where(f => f.Kind == field.Kind && f.Number == field.Number && f.WireType == field.WireType)];
                    if (same.Length > 0)
                        fields[at] = Pick(same);
                    break;
                case 3: // the text or number of any other field here
                    WireTree other = Pick(file.All().Where(f => f.WireType == field.WireType && f.IsMessage == field.IsMessage).ToArray());
                    if (!field.IsMessage)
                        field.Content = other.Content;
                    break;
                case 4 when field.WireType == 0:
                    MemoryStream number = new();
                    WireTree.WriteVarint(number, Pick<ulong>([0, 1, 2, 127, int.MaxValue, uint.MaxValue, long.MaxValue, ulong.MaxValue, (ulong)random.Next(64)]));
                    field.Content = number.ToArray();
                    break;
                case 5: // one message inside another of its kind: bodies in bodies, types in types
                    WireTree[] alike = [.. messages.Where(m => m.Kind == field.Kind)];
                    if (field.IsMessage && alike.Length > 0 && !field.All().Any(alike.Contains))
                        Pick(alike).Fields.Add(field);
                    break;
                default:
                    if (field.Content.Length > 0 && field.WireType != 0)
                        field.Content = [.. field.Content[..^1], (byte)random.Next(128)];
                    break;
            }
            if (file.All().Take(20_000).Count() == 20_000)
                break;
        }
        return file.ToBytes();
    }

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];

    private static string Kind(string message) => Numbers().Replace(Names().Replace(message, "'...'"), "#");

    [GeneratedRegex("'[^']*'|[A-Z]\\w* '.*?'")]
    private static partial Regex Names();

    [GeneratedRegex(@"-?\d+(,-?\d+)*")]
    private static partial Regex Numbers();
}
