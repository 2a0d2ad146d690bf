using System.Diagnostics;
using System.Security.Cryptography;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Training;

namespace Tersor.TrainingTables;

/// <summary>Runs that are killed at random moments and started again must end with the bytes of one that was left alone.</summary>
internal static class KillLoop
{
    private const string Network = "fmnist_lenet5";

    /// <summary>The child: trains from the checkpoint, if there is one, to the end.</summary>
    public static int Train(string checkpoint, string result)
    {
        Model model = FashionMnist.Load(Network);
        IDataSet all = FashionMnist.Data(model, test: false).DataSet;
        TrainingSettings settings = FashionMnist.Recipe(Network, 3) with { Checkpoint = checkpoint, CheckpointSeconds = 0.2, Average = 0.99, KeepBest = true, Augmentation = new() { Flip = 0.5, Crop = 2, Erase = 0.1, Noise = 0.05 } };
        new Trainer(new(model, all.Take(5_000, 1), settings) { Validation = all.Take(500, 2) }).Run().Model.Save(result);
        return 0;
    }

    public static int Run(int rounds, int seed)
    {
        Random random = new(seed);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-kill-");
        try
        {
            string checkpoint = Path.Combine(folder.FullName, "run.ckpt"), result = Path.Combine(folder.FullName, "result.onnx");
            Stopwatch watch = Stopwatch.StartNew();
            using (Process child = Start(checkpoint, result))
                child.WaitForExit();
            TimeSpan whole = watch.Elapsed;
            byte[] expected = SHA256.HashData(File.ReadAllBytes(result));
            Console.WriteLine($"left alone: {whole.TotalSeconds:F1} s, {Convert.ToHexStringLower(expected)[..16]}");
            for (int round = 0; round < rounds; round++)
            {
                File.Delete(checkpoint);
                File.Delete(result);
                TimeSpan after = random.NextDouble() * whole;
                using (Process child = Start(checkpoint, result))
                {
                    if (!child.WaitForExit(after))
                        child.Kill();
                    child.WaitForExit();
                }
                bool began = File.Exists(checkpoint);
                using (Process child = Start(checkpoint, result))
                    child.WaitForExit();
                byte[] found = SHA256.HashData(File.ReadAllBytes(result));
                bool same = found.AsSpan().SequenceEqual(expected);
                Console.WriteLine($"killed after {after.TotalSeconds:F1} s, {(began ? "with" : "before the first")} checkpoint: {(same ? "same bytes" : "DIFFERENT")}");
                if (!same)
                    return 1;
            }
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Process Start(string checkpoint, string result) => Process.Start(Environment.ProcessPath!, ["train-to-end", checkpoint, result]);
}
