using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tersor.Onnx;

/// <summary>Constraints in the file: one metadata entry, a JSON object from weight name to its constraints.</summary>
internal static partial class ConstraintTags
{
    public const string Key = "tersor.constraints";

    public static void Read(Model model)
    {
        if (!model.Metadata.Remove(Key, out string? json))
            return;
        Dictionary<string, Constraint[]> tags;
        try
        {
            tags = JsonSerializer.Deserialize(json, TagJson.Default.DictionaryStringConstraintArray) ?? [];
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new OnnxException($"Metadata '{Key}' is not what Tersor writes there: {e.Message}", e);
        }
        foreach (Value value in model.AllConstants())
        {
            foreach (Constraint constraint in tags.GetValueOrDefault(value.Name) ?? [])
                value.Constraints.Add(constraint);
        }
    }

    /// <summary>The metadata entry to write, or null when nothing is constrained.</summary>
    public static string? Write(Model model)
    {
        SortedDictionary<string, Constraint[]> tags = new(StringComparer.Ordinal);
        foreach (Value value in model.AllConstants().Where(v => v.Constraints.Count > 0))
            tags[value.Name] = [.. value.Constraints];
        return tags.Count == 0 ? null : JsonSerializer.Serialize(tags, TagJson.Default.SortedDictionaryStringConstraintArray);
    }

    [JsonSerializable(typeof(Dictionary<string, Constraint[]>))]
    [JsonSerializable(typeof(SortedDictionary<string, Constraint[]>))]
    private sealed partial class TagJson : JsonSerializerContext;
}
