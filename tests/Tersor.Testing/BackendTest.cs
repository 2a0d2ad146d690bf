using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>One of ONNX's backend tests: a model, inputs by name and the outputs they should give.</summary>
/// <param name="Name">Name of its folder.</param>
/// <param name="Path">The model file.</param>
/// <param name="Model">The model.</param>
/// <param name="Inputs">Tensors by name of the graph input.</param>
/// <param name="Expected">Tensors by name of the graph output.</param>
public sealed record BackendTest(string Name, string Path, Model Model, IReadOnlyDictionary<string, Tensor> Inputs, IReadOnlyDictionary<string, Tensor> Expected)
{
    /// <summary>Reads a test's folder.</summary>
    /// <param name="folder">A folder of <see cref="SharedFiles.BackendTests"/>.</param>
    /// <param name="reason">Why it cannot be used, when the result is null: data that is not tensors, or none at all.</param>
    public static BackendTest? Load(string folder, out string reason)
    {
        string path = System.IO.Path.Combine(folder, "model.onnx");
        Model model = Model.Load(path);
        reason = "";
        IReadOnlyList<Value> inputs = model.Graph.Inputs, outputs = model.Graph.Outputs;
        if (inputs.Concat(outputs).FirstOrDefault(v => v.Type is not OnnxType.Tensor) is { } other)
        {
            reason = $"'{other.Name}' is {other.Type?.ToString() ?? "of unknown type"}; only tensors are read";
            return null;
        }
        string data = System.IO.Path.Combine(folder, "test_data_set_0");
        if (!Directory.Exists(data))
        {
            reason = "it has no test data";
            return null;
        }
        return new(System.IO.Path.GetFileName(folder), path, model, Read(data, "input", inputs), Read(data, "output", outputs));
    }

    private static Dictionary<string, Tensor> Read(string folder, string kind, IReadOnlyList<Value> values)
    {
        Dictionary<string, Tensor> tensors = [];
        for (int i = 0; i < values.Count; i++)
        {
            string file = System.IO.Path.Combine(folder, $"{kind}_{i}.pb");
            if (File.Exists(file))
                tensors[values[i].Name] = TensorFile.Read(File.ReadAllBytes(file)).Tensor;
        }
        return tensors;
    }
}
