using System.Text.Json;

namespace Tersor.Runtime;

/// <summary>One entry of ONNX Runtime's profile. Entries that lack what is needed are left out: the format is not a promise.</summary>
internal sealed record ProfileEvent(string Kind, string Name, string OpType, double Microseconds, string InputShapes, string OutputShapes)
{
    public static List<ProfileEvent> Parse(string json)
    {
        List<ProfileEvent> events = [];
        using JsonDocument document = JsonDocument.Parse(json, new() { AllowTrailingCommas = true });
        JsonElement list = document.RootElement;
        if (list.ValueKind == JsonValueKind.Object && list.TryGetProperty("traceEvents", out JsonElement inner))
            list = inner;
        if (list.ValueKind != JsonValueKind.Array)
            return events;
        foreach (JsonElement entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object || Text(entry, "cat") is not { } kind || Text(entry, "name") is not { } name
                || !entry.TryGetProperty("dur", out JsonElement duration) || !duration.TryGetDouble(out double microseconds))
                continue;
            JsonElement arguments = entry.TryGetProperty("args", out JsonElement given) && given.ValueKind == JsonValueKind.Object ? given : default;
            events.Add(new(kind, name, Text(arguments, "op_name") ?? "", microseconds, Raw(arguments, "input_type_shape"), Raw(arguments, "output_type_shape")));
        }
        return events;
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Raw(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value.ToString().Replace("\"", "", StringComparison.Ordinal) : "";
}
