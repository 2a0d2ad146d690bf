using System.Text.Json;
using Tersor.Onnx;

namespace Tersor.Runtime.Guard;

/// <summary>Named values in a file: the tensors as initializers of an ONNX file without nodes, and how they make up containers in its metadata.</summary>
internal static class ValueFile
{
    private const string LayoutKey = "layout";

    public static void Write(string path, IReadOnlyDictionary<string, RuntimeValue> values)
    {
        Model model = new();
        Dictionary<string, ValueLayout> layouts = values.ToDictionary(pair => pair.Key, pair => Lay(pair.Value));
        model.Metadata[LayoutKey] = JsonSerializer.Serialize(layouts, GuardJson.Default.DictionaryStringValueLayout);
        model.Save(path, new() { Durable = false });

        ValueLayout Lay(RuntimeValue value) => value switch
        {
            RuntimeValue.Dense dense => new("tensor", Store(dense.Tensor)),
            RuntimeValue.Sequence sequence => new("sequence", Elements: [.. sequence.Elements.Select(Lay)]),
            RuntimeValue.Map map => new("map", Store(map.Keys), Store(map.Values)),
            _ => new("absent"),
        };

        string Store(Tensor tensor) => model.Graph.AddInitializer("t", tensor).Name;
    }

    public static IReadOnlyDictionary<string, RuntimeValue> Read(string path)
    {
        Model model = Model.Load(path);
        Dictionary<string, Tensor> tensors = model.Graph.Initializers.ToDictionary(v => v.Name, v => InMemory(v.Tensor!));
        Dictionary<string, ValueLayout> layouts = JsonSerializer.Deserialize(model.Metadata[LayoutKey], GuardJson.Default.DictionaryStringValueLayout)!;
        return layouts.ToDictionary(pair => pair.Key, pair => Build(pair.Value));

        RuntimeValue Build(ValueLayout layout) => layout.Kind switch
        {
            "tensor" => tensors[layout.Tensor!],
            "sequence" => new RuntimeValue.Sequence([.. layout.Elements!.Select(Build)]),
            "map" => new RuntimeValue.Map(tensors[layout.Tensor!], tensors[layout.Values!]),
            _ => new RuntimeValue.Absent(),
        };
    }

    /// <summary>The file is deleted soon: what lies beside it is read now.</summary>
    private static Tensor InMemory(Tensor tensor) => tensor.IsExternal && tensor.ByteLength <= int.MaxValue ? Tensor.FromBytes(tensor.Type, tensor.Shape.AsSpan(), tensor.Bytes.ToArray()) : tensor;
}
