using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace Tersor.TrainingTables;

/// <summary>Images per second and peak memory of training a file, beside the same network written by hand in TorchSharp. Rounds of both take turns, so that what else the machine does meets both. Kept and resumed like training from scratch.</summary>
internal static class Speed
{
    private const int Batch = 128, Rounds = 7, MostSteps = 60, MemorySteps = 1000, Quarter = 5;

    /// <summary>How long a round takes at least, as long as it has fewer than the most steps.</summary>
    private const double RoundSeconds = 10;

    public static int Run(string[] arguments, TextWriter output)
    {
        output.WriteLine("| network | file, images/s | by hand, images/s | ratio (least, greatest) | peak memory file, MB | by hand, MB | growth from the third to the last 250 of 1,000 steps, MB |");
        output.WriteLine("|---|---|---|---|---|---|---|");
        foreach ((string name, _, _, _) in FashionMnist.Networks.Where(n => arguments.Length == 0 || arguments.Contains(n.Name)))
        {
            Round[] rounds = Runs.Once($"{name}-speed", _ => Take(name));
            double[] ratios = [.. rounds.Select(r => r.File / r.Hand).Order()];
            Held file = Runs.Once($"{name}-memory-file", _ => Child("file", name)), hand = Runs.Once($"{name}-memory-hand", _ => Child("hand", name));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Median(rounds.Select(r => r.File)):F0} | {Median(rounds.Select(r => r.Hand)):F0} | {ratios[ratios.Length / 2]:F2} ({ratios[0]:F2}, {ratios[^1]:F2}) | {file.Peak:F0} | {hand.Peak:F0} | {file.Growth:+0.0;-0.0} |"));
            output.Flush();
        }
        return 0;
    }

    /// <summary>Many steps of one of them, alone in a process: prints its peak, and how much more it held in the last quarter of the steps than in the one before: until then memory settles.</summary>
    public static int Memory(string kind, string name)
    {
        // By hand it is the peak that counts, which is there after a few.
        int steps = kind == "file" ? MemorySteps : MemorySteps / 10;
        IDataSet data = FashionMnist.Data(FashionMnist.Load(name), test: false).DataSet;
        List<double> seen = [];
        if (kind == "file")
            new Trainer(Job(name, data, steps)).Run(new Watch(seen, steps));
        else
            ByHand(name, ByHandTraining.Batches(data.Take(Batch * MostSteps, 1), Batch), steps, step => Note(seen, step, steps));
        using Process process = Process.GetCurrentProcess();
        Console.WriteLine(JsonSerializer.Serialize(new Held(process.PeakWorkingSet64 / 1e6, Median(seen.TakeLast(Quarter)) - Median(seen.SkipLast(Quarter).TakeLast(Quarter)))));
        return 0;
    }

    private static Round[] Take(string name)
    {
        IDataSet data = FashionMnist.Data(FashionMnist.Load(name), test: false).DataSet.Take(Batch * MostSteps, 1);
        (Tensor Images, Tensor Labels)[] batches = ByHandTraining.Batches(data, Batch);
        // The first rounds load and compile, and tell how many steps are long enough.
        ByHand(name, batches, 2, _ => { });
        int steps = (int)Math.Clamp(RoundSeconds * ByHand(name, batches, 4, _ => { }) / Batch, 8, MostSteps);
        Take();
        Round[] rounds = [.. Enumerable.Range(0, Rounds).Select(_ => Take())];
        foreach ((Tensor images, Tensor labels) in batches)
        {
            images.Dispose();
            labels.Dispose();
        }
        return rounds;

        Round Take() => new(new Trainer(Job(name, data, steps)).Run().SamplesPerSecond, ByHand(name, batches, steps, _ => { }));
    }

    private static TrainingJob Job(string name, IDataSet data, int steps) => new(FashionMnist.Load(name), data, FashionMnist.Recipe(name, 8) with { Reinitialize = false, MaxSteps = steps, Augmentation = new(), Loss = new TrainingLoss.CrossEntropy() });

    /// <summary>The loop as the recipe has it. Gives images per second.</summary>
    private static double ByHand(string name, (Tensor Images, Tensor Labels)[] batches, int steps, Action<int> after)
    {
        set_num_threads(1);
        using Module<Tensor, Tensor> network = HandWritten.Create(name);
        CrossEntropyLoss criterion = CrossEntropyLoss();
        using optim.Optimizer optimizer = optim.AdamW(network.parameters(), 1e-3, weight_decay: 0.02);
        int images = 0;
        Stopwatch watch = Stopwatch.StartNew();
        for (int step = 0; step < steps; step++)
        {
            using IDisposable scope = NewDisposeScope();
            (Tensor x, Tensor y) = batches[step % batches.Length];
            optimizer.zero_grad();
            criterion.forward(network.forward(x), y).backward();
            nn.utils.clip_grad_norm_(network.parameters(), 1);
            optimizer.step();
            images += (int)x.shape[0];
            after(step);
        }
        return images / watch.Elapsed.TotalSeconds;
    }

    private static Held Child(string kind, string name)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["memory", kind, name]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return JsonSerializer.Deserialize<Held>(said)!;
    }

    private static double Median(IEnumerable<double> numbers)
    {
        double[] sorted = [.. numbers.Order()];
        return sorted[sorted.Length / 2];
    }

    private static void Note(List<double> seen, long step, int steps)
    {
        if (step == 0 || step % (steps / (4 * Quarter)) != 0)
            return;
        GC.Collect(); // when it happens to run is no growth
        using Process process = Process.GetCurrentProcess();
        seen.Add(process.WorkingSet64 / 1e6);
    }

    /// <summary>Images per second.</summary>
    private sealed record Round(double File, double Hand);

    /// <summary>Megabytes.</summary>
    private sealed record Held(double Peak, double Growth);

    private sealed class Watch(List<double> seen, int steps) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Note(seen, value.Step, steps);
    }
}
