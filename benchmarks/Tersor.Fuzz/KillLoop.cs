using System.Diagnostics;
using Tersor.Onnx;

namespace Tersor.Fuzz;

/// <summary>A child writes a model over the same path without end and is killed at random moments; what has the final name must always be one whole version.</summary>
internal static class KillLoop
{
    private const int Weights = 8, Elements = 300_000;

    /// <summary>The child: version after version, now with external data, now without. Every element of every weight is the version.</summary>
    public static int WriteForever(string path, int first)
    {
        for (int version = first; ; version++)
        {
            Model model = new();
            Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, Elements));
            for (int i = 0; i < Weights; i++)
            {
                float[] values = new float[Elements];
                Array.Fill(values, version);
                x = model.Graph.AddNode("Add", [x, model.Graph.AddInitializer($"w{i}", Tensor.Vector(values))], [$"y{i}"]).Outputs[0]!;
            }
            model.Graph.AddOutput(x);
            model.Metadata["version"] = version.ToString();
            model.Save(path, new() { ExternalData = version % 3 == 0 ? ExternalDataMode.Never : ExternalDataMode.Always });
        }
    }

    public static int Run(int rounds, int seed)
    {
        Random random = new(seed);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-kill-");
        string path = Path.Combine(folder.FullName, "model.onnx");
        int checkedModels = 0, external = 0, leftovers = 0, most = 0;
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                using (Process child = StartWriter(path, round + 1))
                {
                    Thread.Sleep(random.Next(120, 500)); // start-up takes about 80 ms, a write about 20
                    child.Kill();
                    child.WaitForExit();
                }
                most = Math.Max(most, folder.GetFiles().Length);
                leftovers += folder.GetFiles("*.tersor-*").Length;
                if (!File.Exists(path))
                    continue;
                Model model = Model.Load(path);
                float version = float.Parse(model.Metadata["version"]);
                Value[] weights = [.. model.Graph.Initializers];
                if (weights.Length != Weights || weights.Any(w => w.Tensor!.ToFloats().Any(v => v != version)))
                {
                    Console.WriteLine($"FAILURE in round {round}: {path} mixes versions");
                    return 1;
                }
                checkedModels++;
                external += weights[0].Tensor!.IsExternal ? 1 : 0;
            }
            // One write that is not disturbed clears everything that is left.
            Model last = Model.Load(path);
            last.Save(path, new() { ExternalData = ExternalDataMode.Always });
            string[] files = [.. folder.GetFiles().Select(f => f.Name).Order()];
            Console.WriteLine($"{rounds} kills: {checkedModels} times the model was read and whole ({external} times with external data), {leftovers} temporary files left by kills, at most {most} files at once; "
                + $"after one more write: {string.Join(", ", files)}");
            return files.Length == 2 ? 0 : 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Starts this program once more, however it was started itself: by its own name or through dotnet.</summary>
    private static Process StartWriter(string path, int version)
    {
        string program = Environment.ProcessPath!;
        string[] self = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(KillLoop).Assembly.Location] : [];
        return Process.Start(program, [.. self, "--write-forever", path, version.ToString()]);
    }
}
