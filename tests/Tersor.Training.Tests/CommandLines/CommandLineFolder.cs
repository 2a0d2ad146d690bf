using Tersor.Cli;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.CommandLines;

/// <summary>A folder with points of two classes, models that tell them apart, and command lines that run there.</summary>
internal sealed class CommandLineFolder : IDisposable
{
    private readonly string path = Directory.CreateTempSubdirectory("tersor-training-").FullName;

    public CommandLineFolder()
    {
        Random random = new(1);
        float[][] points = [.. Enumerable.Range(0, 200).Select(_ => new[] { 2 * random.NextSingle() - 1, 2 * random.NextSingle() - 1 })];
        Npy.Write(At("points.npy"), "<f4", [points.Length, 2], points.SelectMany(p => p).SelectMany(BitConverter.GetBytes));
        Npy.Write(At("labels.npy"), "<i8", [points.Length], points.SelectMany(p => BitConverter.GetBytes(p[0] > p[1] ? 0L : 1L)));
        File.WriteAllText(At("data.yaml"), """
            source:
              kind: numpy
              input: input
              file: points.npy
              labels_file: labels.npy
            splits:
              train: { part: [0, 0.7] }
              validation: { part: [0.7, 1] }
            metrics:
              - top-1
            """);
        Save("right.onnx", [1, 0, 0, 1]); // the class of the larger coordinate: right for every point
        Save("wrong.onnx", [0, 1, 1, 0]);
    }

    public string At(string name) => Path.Combine(path, name);

    public Model Read(string name) => Model.Load(At(name));

    /// <summary>Runs a command line of words without spaces; names of files are this folder's.</summary>
    public async Task<(int ExitCode, string Out, string Error)> Run(string line)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        string[] words = [.. line.Split(' ').Select(w => w.EndsWith(".onnx", StringComparison.Ordinal) || w.EndsWith(".yaml", StringComparison.Ordinal) || w.EndsWith(".html", StringComparison.Ordinal) ? At(w) : w)];
        int code = await CommandLine.RunAsync(words, new Terminal(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    public void Dispose() => Directory.Delete(path, recursive: true);

    /// <summary>input [N,2] → two scores.</summary>
    private void Save(string name, float[] weight)
    {
        Model model = new(opset: 21, irVersion: 10);
        Value input = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, "N", 2));
        Value output = model.Graph.AddNode("MatMul", [input, model.Graph.AddInitializer("weight", OnnxTensor.Create([2, 2], weight))], ["output"], name: "dense").Outputs[0]!;
        output.Type = OnnxType.Of(ElementType.Float32, "N", 2);
        model.Graph.AddOutput(output);
        model.Save(At(name));
    }
}
