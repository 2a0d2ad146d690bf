using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tersor.Reporting;

/// <summary>Numbers JSON has no word for: what is not defined is null, an infinite figure the string "Infinity" or "-Infinity".</summary>
internal sealed class DoubleJson : JsonConverter<double>
{
    public override bool HandleNull => true;

    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Null => double.NaN,
        JsonTokenType.String => reader.GetString() == "-Infinity" ? double.NegativeInfinity : double.PositiveInfinity,
        _ => reader.GetDouble(),
    };

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsNaN(value))
            writer.WriteNullValue();
        else if (double.IsInfinity(value))
            writer.WriteStringValue(value > 0 ? "Infinity" : "-Infinity");
        else
            writer.WriteNumberValue(value);
    }
}
