using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

/// <summary>One of ONNX's backend tests whose inputs and outputs are dense tensors.</summary>
internal sealed record BackendCase(string Folder, Model Model, IReadOnlyDictionary<string, Tensor> Inputs, IReadOnlyList<Tensor?> Expected)
{
    public static SessionSettings AsWritten { get; } = new() { Optimization = EngineOptimization.None };

    public string Name => $"{Path.GetFileName(Path.GetDirectoryName(Folder))}/{Path.GetFileName(Folder)}";

    public static IEnumerable<BackendCase> All => SharedFiles.BackendTests.Select(Read).OfType<BackendCase>();

    /// <summary>The outputs by name as ONNX Runtime computes them node by node, or null when it refuses the model.</summary>
    public static IReadOnlyDictionary<string, Tensor>? TryRun(Model model, IReadOnlyDictionary<string, Tensor> inputs)
    {
        try
        {
            using ModelSession session = new(model, AsWritten);
            return session.Run(inputs);
        }
        catch (RuntimeException)
        {
            return null;
        }
    }

    private static BackendCase? Read(string folder)
    {
        Model model = Model.Load(Path.Combine(folder, "model.onnx"));
        Value[] fed = [.. model.Graph.Inputs.Where(v => !v.IsInitializer)];
        if (fed.Concat(model.Graph.Outputs).Any(v => v.Type?.AsTensor is null))
            return null;
        Dictionary<string, Tensor> inputs = [];
        for (int i = 0; i < fed.Length; i++)
        {
            if (ReadTensor(folder, $"input_{i}.pb") is not { } tensor)
                return null;
            inputs[fed[i].Name] = tensor;
        }
        return new(folder, model, inputs, [.. Enumerable.Range(0, model.Graph.Outputs.Count).Select(i => ReadTensor(folder, $"output_{i}.pb"))]);
    }

    private static Tensor? ReadTensor(string folder, string file)
    {
        string path = Path.Combine(folder, "test_data_set_0", file);
        return File.Exists(path) ? TensorFile.Read(File.ReadAllBytes(path)).Tensor : null;
    }
}
