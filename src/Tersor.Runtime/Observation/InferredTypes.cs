using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Types as ONNX Runtime infers them at load, bodies of If, Loop and Scan included: read from the model it writes back.</summary>
internal static class InferredTypes
{
    /// <summary>Types by value name. The model's names must be unique over all graphs.</summary>
    public static IReadOnlyDictionary<string, OnnxType> Of(Model model)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");
        try
        {
            string path = Path.Combine(folder.FullName, "typed.onnx");
            SessionSettings settings = new()
            {
                Optimization = EngineOptimization.None,
                OptimizedModelPath = path,
                // Weights do not matter here; kept outside, they cannot exceed the file's 2 GB.
                Entries = new Dictionary<string, string>
                {
                    ["session.optimized_model_external_initializers_file_name"] = "typed.data",
                    ["session.optimized_model_external_initializers_min_size_in_bytes"] = "1024",
                },
            };
            using (ModelSession session = new(model, settings))
            {
            }
            Dictionary<string, OnnxType> types = [];
            foreach (Graph graph in Model.Load(path).AllGraphs())
            {
                foreach (Value value in graph.Inputs.Concat(graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()))
                {
                    if (value.Type is { } type)
                        types[value.Name] = type;
                }
            }
            return types;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
