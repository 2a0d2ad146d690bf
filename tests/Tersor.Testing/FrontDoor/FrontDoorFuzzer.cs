using System.Diagnostics;

namespace Tersor.Testing.FrontDoor;

/// <summary>How the tool is tried through its command line. Immutable; change it with <c>with</c>.</summary>
public sealed record FrontDoorOptions
{
    /// <summary>The program: a file to start.</summary>
    public required string Tool { get; init; }

    /// <summary>Words before the command's own: the assembly, where the program is dotnet. Default: none.</summary>
    public IReadOnlyList<string> Leading { get; init; } = [];

    /// <summary>The folder what trains lies in; null: commands that train are left out.</summary>
    public string? Training { get; init; }

    /// <summary>Draws the cases. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Number of the first case. Default 0.</summary>
    public int First { get; init; }

    /// <summary>Cases at most. Default: no end.</summary>
    public int Count { get; init; } = int.MaxValue;

    /// <summary>When no further case is begun. Default: an hour.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Commands to run, by the first word or by the whole name; empty: all.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>Whether anything is changed; otherwise commands are run on valid files. Default: yes.</summary>
    public bool Change { get; init; } = true;

    /// <summary>Cases run at once. Default 2.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Longest time of one run. Default: 200 s, since it may have two guarded children of a minute each, one after the other.</summary>
    public TimeSpan TimeOfRun { get; init; } = TimeSpan.FromSeconds(200);

    /// <summary>Most resident memory of one run with its children. Default 3 GB: a guarded child may take 2.</summary>
    public long BytesOfRun { get; init; } = 3L << 30;

    /// <summary>Where seeds and running cases lie.</summary>
    public required string Work { get; init; }

    /// <summary>Where cases that break a promise are kept.</summary>
    public required string Kept { get; init; }
}

/// <summary>Runs the tool itself on changed models, data, plans, ranges and checkpoints, and asks of every run what the tool promises of any.</summary>
/// <remarks>The same seed and number make the same case. What is timed within a run may come out otherwise.</remarks>
public sealed class FrontDoorFuzzer
{
    private const int KeptOfAKind = 3, ReportedEvery = 200;

    private readonly FrontDoorOptions options;
    private readonly FrontDoorTally tally = new();
    private readonly Lock counting = new();
    private readonly IReadOnlyList<CommandTemplate> commands;
    private int next;

    /// <exception cref="ArgumentException">There is no command of a name.</exception>
    public FrontDoorFuzzer(FrontDoorOptions options)
    {
        this.options = options;
        next = options.First;
        commands = [.. CommandLines.All.Where(c => (options.Training is not null || !NeedsTraining(c)) && (options.Commands.Count == 0 || options.Commands.Contains(c.Command) || options.Commands.Contains(c.Name)))];
        if (commands.Count == 0)
            throw new ArgumentException($"No command is called {string.Join(" or ", options.Commands)}; there are {string.Join(", ", CommandLines.All.Select(c => c.Name))}.", nameof(options));
    }

    /// <summary>What came of the runs, as a table and lists.</summary>
    public string Report
    {
        get
        {
            lock (counting)
                return tally.Text();
        }
    }

    /// <summary>Every kind of fault, with what repeats it.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (counting)
                return [.. tally.Faults.Select(f => $"{f.Key} ({f.Value[0]})")];
        }
    }

    /// <summary>Tries cases until the time or their number is over.</summary>
    public void Run(Action<string>? progress = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string seedFolder = Path.Combine(options.Work, "seeds");
        if (Directory.Exists(seedFolder))
            Directory.Delete(seedFolder, recursive: true);
        SeedFiles seeds = new(seedFolder);
        if (commands.Any(c => c.Uses("plan") || c.Uses("ranges") || c.Uses("checkpoint")))
            seeds.AddMade(arguments => Start(arguments, seedFolder, Path.Combine(options.Work, "seed-home")), options.Training is not null);
        int end = (int)Math.Min((long)options.First + options.Count, int.MaxValue);
        Thread[] workers = [.. Enumerable.Range(0, options.Workers).Select(worker => new Thread(() =>
        {
            string folder = Path.Combine(options.Work, $"worker{worker}");
            for (int number; watch.Elapsed < options.Duration && (number = Interlocked.Increment(ref next) - 1) < end;)
                Try(seeds, number, folder, progress);
        }))];
        foreach (Thread worker in workers)
            worker.Start();
        foreach (Thread worker in workers)
            worker.Join();
    }

    private void Try(SeedFiles seeds, int number, string folder, Action<string>? progress)
    {
        FrontDoorCase run = FrontDoorCase.Create(seeds, commands, options.Seed, number, folder, options.Change);
        RunJudge judge = new(run);
        ProcessOutcome outcome = Start(run.Arguments, run.Folder, Path.Combine(run.Folder, "home"));
        string[] faults = [.. judge.Faults(outcome)];
        string repeat = $"--seed {options.Seed} --only {number}{(options.Commands.Count > 0 ? $" --commands {string.Join(',', options.Commands)}" : "")}";
        bool isNew;
        int runs;
        lock (counting)
        {
            tally.Add(run.Template.Name, outcome, faults, repeat);
            runs = tally.Runs;
            isNew = faults.Any(f => tally.Faults[RunJudge.General(f)].Count <= KeptOfAKind);
        }
        if (isNew || options.Count == 1)
            Keep(seeds, run, outcome, faults, number);
        if (isNew)
            progress?.Invoke($"{repeat}: {string.Join(" || ", faults)}");
        else if (runs % ReportedEvery == 0)
            progress?.Invoke($"{runs} runs");
    }

    private ProcessOutcome Start(IReadOnlyList<string> arguments, string folder, string home)
    {
        Directory.CreateDirectory(home);
        string temporary = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(home)!, "tmp")).FullName;
        (string, string?)[] environment =
        [
            ("HOME", home), ("TMPDIR", temporary), ("TERSOR_TRAINING", options.Training), ("TERSOR_CACHE", null), ("XDG_CACHE_HOME", null), ("DOTNET_EnableDiagnostics", "0"), ("DOTNET_CLI_HOME", home),
        ];
        return BoundedProcess.Run(options.Tool, options.Leading.Concat(arguments), folder, environment, options.TimeOfRun, options.BytesOfRun);
    }

    /// <summary>The case with its files and a script that repeats it.</summary>
    private void Keep(SeedFiles seeds, FrontDoorCase run, ProcessOutcome outcome, string[] faults, int number)
    {
        string folder = Path.Combine(options.Kept, $"{options.Seed}-{number}");
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(options.Kept);
        // The files as they were: the run may have written some.
        FrontDoorCase again = FrontDoorCase.Create(seeds, commands, options.Seed, number, folder, options.Change);
        File.WriteAllText(Path.Combine(folder, "run.sh"), $"""
            #!/bin/sh
            cd "$(dirname "$0")" || exit 1
            export TERSOR_TRAINING='{options.Training}'
            exec '{options.Tool}' {string.Join(' ', options.Leading)} {again.ShellLine}

            """);
        File.WriteAllText(Path.Combine(folder, "said.txt"), $"""
            faults:  {string.Join("\n         ", faults)}
            changes: {string.Join("\n         ", run.Changes)}
            exit:    {outcome.ExitCode} after {outcome.Time.TotalSeconds:0.0} s, {outcome.PeakBytes >> 20} MB
            --- stderr
            {outcome.Error}
            --- stdout
            {outcome.Out}
            """);
    }

    private static bool NeedsTraining(CommandTemplate command) => command.Command is "train" or "distill" || command.Name == "quantize train";
}
