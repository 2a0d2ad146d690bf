using System.Diagnostics;
using System.Globalization;
using Tersor.Compression;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Execution;

/// <summary>Whole networks: what training computes is what ONNX Runtime computes.</summary>
public sealed class WholeModelTests(ITestOutputHelper output)
{
    /// <summary>Difference allowed, as a share of the largest number of an output.</summary>
    private const double Tolerance = 1e-4;

    public static TheoryData<string> Files { get; } = [.. SharedFiles.Models.Concat(SharedFiles.LightModels).Select(f => Path.GetRelativePath(SharedFiles.Root!, f))];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_model_gives_what_the_engine_gives(string file)
    {
        Model model = Model.Load(SharedFiles.At(file));
        if (file.Contains("light", StringComparison.Ordinal))
            RandomWeights.Fill(model, 1);
        IReadOnlyDictionary<string, OnnxTensor> inputs = Inputs(model, Path.GetFileNameWithoutExtension(file));
        Stopwatch watch = Stopwatch.StartNew();
        IReadOnlyDictionary<string, OnnxTensor> expected = Running.Run(model, inputs);
        TimeSpan engine = watch.Elapsed;
        watch.Restart();
        using IDisposable none = no_grad();
        using IDisposable scope = NewDisposeScope();
        using GraphProgram program = new(RunningModel.Of(model, []));
        object?[] results = program.Run(inputs.ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value)));
        double worst = 0;
        for (int i = 0; i < results.Length; i++)
        {
            string name = program.Model.Graph.Outputs[i].Name;
            double[] own = TorchTensors.ToOnnx((Tensor)results[i]!).ToDoubles(), given = expected[name].ToDoubles();
            Assert.Equal(given.Length, own.Length);
            double largest = given.Select(Math.Abs).DefaultIfEmpty().Max(), difference = own.Zip(given, (a, b) => Math.Abs(a - b)).DefaultIfEmpty().Max();
            worst = Math.Max(worst, difference / Math.Max(largest, 1e-30));
            Assert.True(difference <= Tolerance * largest, $"{name} differs by {difference:G3}; its largest number is {largest:G3}");
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}: {worst:G3} of the largest output; {engine.TotalSeconds:F1} s by the engine, {watch.Elapsed.TotalSeconds:F1} s here"));
    }

    /// <summary>What its own data hold, where it has some; else made up.</summary>
    private static IReadOnlyDictionary<string, OnnxTensor> Inputs(Model model, string name)
    {
        string description = Path.Combine(SharedFiles.Repository, "samples", "data", $"{name}.yaml");
        return File.Exists(description) ? DataSetFactory.Open(description, ModelInput.Of(model), SharedFiles.Root, "test").DataSet.Read(0).Steps[0]
            : SampleInputs.Make(model, 1, new(First: 1, Others: 32))!.ToDictionary(i => i.Key, i => ((RuntimeValue.Dense)i.Value).Tensor);
    }
}
