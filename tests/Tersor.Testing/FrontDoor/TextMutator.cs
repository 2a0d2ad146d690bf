using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Tersor.Testing.FrontDoor;

/// <summary>Changes JSON and YAML where their meaning is: keys left out, doubled, misspelt, values of another type, at an edge, nested deep.</summary>
internal sealed partial class TextMutator(Draw draw)
{
    private static readonly string[] Values =
    [
        "0", "-1", "1", "2", "0.5", "1e400", "-0", "2147483648", "9223372036854775807", "1e-320", "99999999999999999999", ".nan", ".inf", "null", "~", "true", "\"\"", "\"text\"", "[]", "{}", "[1, 2, 3]", "{ a: 1 }", "[[[[[[1]]]]]]",
        "\"\\e[2J\"", "\"\\u202e\"", "*absent", "&a [*a]", "!!binary abc", "!!int x", "../..", "/etc/passwd", "1/0", "0/0", "1/255",
    ];

    /// <summary>JSON with one change; of other text, its characters.</summary>
    public string Json(string text)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return Characters(text);
        }
        if (root is null || draw.OneIn(6))
            return Characters(text);
        JsonNode place = draw.Pick<JsonNode>([.. All(root).Where(n => n is JsonObject { Count: > 0 } or JsonArray { Count: > 0 }).DefaultIfEmpty(root)]);
        switch (place)
        {
            case JsonObject { Count: > 0 } map:
                string key = draw.Pick<string>([.. map.Select(p => p.Key)]);
                switch (draw.Below(8))
                {
                    case 0:
                        map.Remove(key);
                        break;
                    case 1:
                        JsonNode? value = map[key];
                        map.Remove(key);
                        map[draw.OneIn(2) ? key + "s" : draw.Name()] = value;
                        break;
                    case 2 or 3 or 4 when Alike(root, map[key]) is { } alike:
                        map[key] = alike.DeepClone();
                        break;
                    default:
                        map[key] = Other(map[key]);
                        break;
                }
                break;
            case JsonArray { Count: > 0 } list:
                int at = draw.Below(list.Count);
                if (draw.OneIn(3))
                    list.RemoveAt(at);
                else if (draw.OneIn(3))
                    list.Insert(at, list[at]?.DeepClone());
                else
                    list[at] = Other(list[at]);
                break;
            default:
                return draw.Pick(Values);
        }
        return root.ToJsonString();
    }

    /// <summary>YAML with a changed line, or characters.</summary>
    public string Yaml(string text)
    {
        List<string> lines = [.. text.Split('\n')];
        int at = draw.Below(lines.Count);
        switch (draw.Below(16))
        {
            case 0:
                lines.RemoveAt(at);
                break;
            case 1:
                lines.Insert(draw.Below(lines.Count), lines[at]);
                break;
            case 2:
                lines[at] = (draw.OneIn(2) ? "  " : "\t") + lines[at];
                break;
            case 3:
                return Characters(text);
            default:
                Match[] scalars = [.. Scalars().Matches(text).Cast<Match>()];
                if (scalars.Length == 0)
                    break;
                Group scalar = draw.Pick(scalars).Groups[1];
                string value = char.IsDigit(scalar.Value[0]) && draw.OneIn(2) ? draw.Pick(["0", "1", "2", "3", "0.5", "-1", "100", "1e9", "65536", "2147483647", "1e-30"]) : draw.OneIn(6) ? $"\"{draw.Name().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"" : draw.OneIn(3) ? draw.Pick(scalars).Groups[1].Value : draw.OneIn(40) ? new string('[', 5000) : draw.Pick(Values);
                return text[..scalar.Index] + value + text[(scalar.Index + scalar.Length)..];
        }
        return string.Join('\n', lines);
    }

    /// <summary>Any text with some characters changed.</summary>
    public string Characters(string text)
    {
        StringBuilder builder = new(text);
        int at = draw.Below(builder.Length + 1);
        switch (draw.Below(4))
        {
            case 0:
                builder.Length = at;
                break;
            case 1:
                builder.Remove(at, Math.Min(builder.Length - at, 1 + draw.Below(10)));
                break;
            case 2:
                builder.Insert(at, draw.Pick(["{", "}", "[", "]", ":", ",", "\"", "\0", "\u001b[0m", "\uFFFF", "-", "9", "e", "\n", new string('[', 3000), new string('{', 200)]));
                break;
            default:
                builder.Append(text.AsSpan(0, Math.Min(at, text.Length)));
                break;
        }
        return builder.ToString();
    }

    /// <summary>What stands elsewhere and is of the same type.</summary>
    private JsonNode? Alike(JsonNode root, JsonNode? value) => value is null ? null : draw.Any(All(root).Where(n => n.GetValueKind() == value.GetValueKind() && n != root));

    private JsonNode? Other(JsonNode? value)
    {
        if (value is JsonValue number && number.GetValueKind() == JsonValueKind.Number && !draw.OneIn(3))
            return JsonNode.Parse(draw.Pick(["0", "-1", "1", "0.5", "3", "100", "1e300", "1e-300", "2147483648", "9223372036854775807", "1e99", "-0.0"]));
        return draw.Below(9) switch
        {
            0 => null,
            1 => JsonValue.Create(draw.Integer()),
            2 => JsonValue.Create(draw.Name()),
            3 => new JsonArray(),
            4 => new JsonObject(),
            5 => JsonValue.Create(true),
            6 => Nested(50),
            7 => new JsonArray(value?.DeepClone()),
            _ => value is JsonValue text && text.GetValueKind() == JsonValueKind.String ? JsonValue.Create(text.GetValue<string>() + "x") : JsonValue.Create(1.5),
        };
    }

    private static JsonArray Nested(int depth) => depth == 0 ? [] : [Nested(depth - 1)];

    private static IEnumerable<JsonNode> All(JsonNode node)
    {
        IEnumerable<JsonNode?> inner = node switch
        {
            JsonObject map => map.Select(p => p.Value),
            JsonArray list => list,
            _ => [],
        };
        return inner.OfType<JsonNode>().SelectMany(All).Prepend(node);
    }

    [GeneratedRegex(@"(?:: |\[|, |- )([^\s,\[\]{}:]+)")]
    private static partial Regex Scalars();
}
