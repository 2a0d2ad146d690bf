using System.Diagnostics;
using Tersor.Onnx;

namespace Tersor.Fuzz;

/// <summary>A model beyond what a protobuf file can hold: written, opened, copied over itself, compared.</summary>
internal static class LargeModel
{
    public static int Run(int gigabytes)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-large-");
        string path = Path.Combine(folder.FullName, "large.onnx");
        try
        {
            const int Rows = 8192, Columns = 8192; // 256 MB each
            Model model = new();
            Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, Rows));
            // The same bytes again and again in memory, but a tensor of its own each time: they all go to the file.
            float[] values = [.. Enumerable.Range(0, Rows * Columns).Select(i => (float)(i % 1000))];
            for (int i = 0; i < gigabytes * 4; i++)
                x = model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer($"w{i}", Tensor.Create([Rows, Columns], values))], [$"y{i}"]).Outputs[0]!;
            x.Type = OnnxType.Of(ElementType.Float32, 1, Columns);
            model.Graph.AddOutput(x);

            Time("written", () => model.Save(path));
            Console.WriteLine($"  {string.Join(", ", folder.GetFiles().Select(f => $"{f.Name} {f.Length:N0} bytes"))}");
            Model? read = null;
            Time("opened", () => read = Model.Load(path));
            Console.WriteLine($"  {read!.Weights().Count} weights");
            Time("written over itself", () => read!.Save(path));
            Console.WriteLine($"  {string.Join(", ", folder.GetFiles().Select(f => $"{f.Name} {f.Length:N0} bytes"))}");
            bool equal = false;
            Time("compared", () => equal = Model.Load(path).Graph.Initializers.Zip(model.Graph.Initializers).All(p => p.First.Tensor!.ContentEquals(p.Second.Tensor!)));
            Console.WriteLine(equal ? "equal" : "FAILURE: differs");
            return equal ? 0 : 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Time(string what, Action action)
    {
        Stopwatch watch = Stopwatch.StartNew();
        action();
        Console.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:0.00} s, working set {Process.GetCurrentProcess().WorkingSet64 >> 20} MB, peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB");
    }
}
