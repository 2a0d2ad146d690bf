using System.Diagnostics;
using System.Globalization;
using Tersor.Fuzz;
using Tersor.Testing;

// Robustness of the model file, by force. See docs in the classes named below.
//   dotnet run --project benchmarks/Tersor.Fuzz -- --minutes 10 --seed 1     broken files are read
//   dotnet run --project benchmarks/Tersor.Fuzz -- --kill-loop 200           a writing process is killed again and again
//   dotnet run --project benchmarks/Tersor.Fuzz -- --hostile                 the table of hostile files and their errors
//   dotnet run --project benchmarks/Tersor.Fuzz -- --large 3                 a model of 3 GB is written, read and copied
//   dotnet run --project benchmarks/Tersor.Fuzz -- --front-door --minutes 60 --seed 1   the tool itself is run on changed files: see FrontDoorRun
switch (args)
{
    case ["--write-forever", string path, string version]:
        return KillLoop.WriteForever(path, int.Parse(version, CultureInfo.InvariantCulture));
    case ["--kill-loop", string rounds]:
        return KillLoop.Run(int.Parse(rounds, CultureInfo.InvariantCulture), seed: 1);
    case ["--hostile"]:
        return HostileTable.Print();
    case ["--large", string gigabytes]:
        return LargeModel.Run(int.Parse(gigabytes, CultureInfo.InvariantCulture));
    case ["--front-door", .. string[] rest]:
        return FrontDoorRun.Run(rest);
    case ["--minutes", string minutes, "--seed", string seed]:
        return Fuzz(double.Parse(minutes, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture));
    default:
        Console.Error.WriteLine("Usage: --minutes M --seed S | --kill-loop ROUNDS | --hostile | --large GIGABYTES | --front-door ...");
        return 2;
}

static int Fuzz(double minutes, int seed)
{
    MutationFuzzer fuzzer = new(MutationFuzzer.DefaultSeeds(), seed);
    Stopwatch watch = Stopwatch.StartNew();
    fuzzer.Run(TimeSpan.FromMinutes(minutes), Path.Combine(Path.GetTempPath(), "tersor-fuzz"), progress: Report);
    Report();
    foreach ((string message, long count) in fuzzer.Messages.OrderByDescending(m => m.Value).Take(60))
        Console.WriteLine($"{count,10}  {message}");
    foreach (string failure in fuzzer.Failures)
        Console.WriteLine($"FAILURE {failure}");
    return fuzzer.Failures.Count == 0 ? 0 : 1;

    void Report() => Console.WriteLine($"{watch.Elapsed.TotalMinutes:0.0} min: {fuzzer.Runs} files, {fuzzer.Runs / watch.Elapsed.TotalSeconds:0}/s, {fuzzer.Accepted} read and round-tripped, "
        + $"{fuzzer.Messages.Count} kinds of message, slowest {fuzzer.Slowest.TotalMilliseconds:0} ms, largest allocation {fuzzer.LargestAllocation >> 20} MB, "
        + $"peak memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB, {fuzzer.Failures.Count} failures");
}
