using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>How one operator, with the activation that vanishes into it, computes.</summary>
public enum LayerForm
{
    /// <summary>In float, from weights as exact as they are.</summary>
    Float,

    /// <summary>In float, from weights that are stored in 8 bits.</summary>
    Stored,

    /// <summary>In 8 bits, under ranges from calibration.</summary>
    Static,

    /// <summary>In 8 bits, under ranges found at run time.</summary>
    Dynamic,
}

/// <summary>What was measured and decided about one operator.</summary>
/// <param name="Layer">Name of its first output in the model that is quantized: what a plan knows it by.</param>
/// <param name="Node">Its node's name.</param>
/// <param name="Operator">The operator.</param>
/// <param name="Form">The decision. Edit it to have it otherwise.</param>
/// <param name="FloatMicroseconds">Time of a run in float; null where the profile did not show it apart.</param>
/// <param name="QuantizedMicroseconds">The same in 8 bits.</param>
/// <param name="Noise">Energy of the error it causes alone over energy of the outputs; null where it was not measured.</param>
/// <param name="Reason">Why this form, in words.</param>
public sealed record PlannedLayer(string Layer, string Node, string Operator, LayerForm Form, double? FloatMicroseconds, double? QuantizedMicroseconds, double? Noise, string Reason);

/// <summary>The range of one activation.</summary>
/// <param name="Value">Its name in the model that is quantized.</param>
/// <param name="Low">Least value represented.</param>
/// <param name="High">Greatest value represented.</param>
/// <param name="Estimator">What gave it.</param>
public sealed record PlannedRange(string Value, double Low, double High, string Estimator)
{
    internal static IEnumerable<string> Problems(IReadOnlyList<PlannedRange>? ranges)
    {
        if (ranges is null || ranges.Any(r => r?.Value is null))
            yield return "A range has no value it belongs to.";
        else if (ranges.GroupBy(r => r.Value).FirstOrDefault(g => g.Count() > 1) is { } twice)
            yield return $"The range of '{twice.Key}' stands in it more than once.";
        else if (ranges.FirstOrDefault(r => !(r.Low <= r.High && double.IsFinite(r.Low) && double.IsFinite(r.High))) is { } wrong)
            yield return $"The range of '{wrong.Value}' is {wrong.Low} to {wrong.High}; expected two numbers, the lower one first.";
    }
}

/// <summary>What numbers a plan's activations and weights become, in words that a file can hold.</summary>
/// <param name="Activations">UInt4, UInt8, Int8, UInt16 or Int16.</param>
/// <param name="SymmetricActivations">Zero point in the middle.</param>
/// <param name="WeightBits">2..8.</param>
/// <param name="PerTensor">One scale a weight tensor instead of one an output channel.</param>
/// <param name="AsymmetricWeights">Weights have a zero point.</param>
public sealed record PlannedFormat(ElementType Activations, bool SymmetricActivations, int WeightBits, bool PerTensor, bool AsymmetricWeights)
{
    /// <summary>Of a format.</summary>
    public static PlannedFormat Of(NumberFormat format) => new(format.Activations, format.SymmetricActivations, format.WeightBits, format.Weights is Granularity.PerTensor, format.AsymmetricWeights);

    /// <summary>The format.</summary>
    public NumberFormat ToFormat() => new()
    {
        Activations = Activations,
        SymmetricActivations = SymmetricActivations,
        WeightBits = WeightBits,
        Weights = PerTensor ? new Granularity.PerTensor() : new Granularity.PerOutputChannel(),
        AsymmetricWeights = AsymmetricWeights,
    };
}

/// <summary>Everything measured and decided about quantizing one model: with it, the result follows without measuring anything, the same bytes every time.</summary>
public sealed record QuantizationPlan
{
    /// <summary>The version this program writes and reads.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Version of the file's format.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Fingerprint of the float model it was made for, as it was before it was quantized.</summary>
    public required string Model { get; init; }

    /// <summary>Whether it is about the model as it was given but for folding, not as rewritten for 8-bit kernels. Default no.</summary>
    public bool Plain { get; init; }

    /// <summary>The kind of machine it is for.</summary>
    public required TargetMachine Target { get; init; }

    /// <summary>The processor it was measured on.</summary>
    public required string Cpu { get; init; }

    /// <summary>Version of the engine it was measured with.</summary>
    public required string Engine { get; init; }

    /// <summary>What numbers activations and weights become.</summary>
    public required PlannedFormat Format { get; init; }

    /// <summary>Bits of weights that are only stored, and computed with in float. Default 8.</summary>
    public int StoredWeightBits { get; init; } = 8;

    /// <summary>Seed that drew the samples of the repairs that need data.</summary>
    public required int Seed { get; init; }

    /// <summary>Calibration samples drawn by it.</summary>
    public required int CalibrationSamples { get; init; }

    /// <summary>Repairs that are applied, in order: see <see cref="RepairNames"/>.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];

    /// <summary>Session options that belong to the result, by the engine's key.</summary>
    public IReadOnlyDictionary<string, string> SessionOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Every operator that has an 8-bit form.</summary>
    public required IReadOnlyList<PlannedLayer> Layers { get; init; }

    /// <summary>The range of every activation that can be quantized.</summary>
    public required IReadOnlyList<PlannedRange> Ranges { get; init; }

    /// <summary>Repairs that cannot be made without the calibration data.</summary>
    public bool NeedsData => Repairs.Any(ReadsData);

    internal static bool ReadsData(string repair) => repair != RepairNames.Equalize;

    /// <summary>Reads a plan file.</summary>
    /// <exception cref="CompressionException">It is no plan, or not one of this version.</exception>
    public static QuantizationPlan Load(string path) =>
        PlanJson.Read(path, PlanJson.Default.QuantizationPlan, "plan", plan => plan.Version == CurrentVersion ? plan.Problems()
            : throw new CompressionException($"The plan {path} has version {plan.Version}; this program reads version {CurrentVersion}. Make it anew without --plan.") { Pass = "quantize" });

    /// <summary>Every broken rule, in words; empty when the plan is usable. Whether it fits a model is seen when it is carried out.</summary>
    public IEnumerable<string> Problems()
    {
        if (StoredWeightBits is < 2 or > 8)
            yield return $"{nameof(StoredWeightBits)} is {StoredWeightBits}; expected 2..8.";
        if (CalibrationSamples < 1)
            yield return $"{nameof(CalibrationSamples)} is {CalibrationSamples}; expected 1 or more.";
        foreach (string? repair in Repairs.Where(r => !RepairNames.All.Contains(r)))
            yield return $"There is no repair '{repair}'; there are {string.Join(", ", RepairNames.All)}.";
        foreach ((string key, _) in SessionOptions.Where(o => o.Value is null || !CarriedOptions.IsCarried(o.Key, o.Value)))
            yield return $"The session option '{key}' cannot be carried by a model, or its value cannot.";
        foreach (string problem in Format.ToFormat().Problems().Concat(PlannedRange.Problems(Ranges)))
            yield return problem;
        if (Layers.Any(l => l?.Layer is null || !Enum.IsDefined(l.Form)))
            yield return "A layer has no name, or no form.";
        else if (Layers.GroupBy(l => l.Layer).FirstOrDefault(g => g.Count() > 1) is { } twice)
            yield return $"The layer '{twice.Key}' stands in it more than once.";
    }

    /// <summary>Writes a plan file: indented JSON, to be read and edited.</summary>
    public void Save(string path) => OutputFile.WriteText(path, text => text.WriteLine(ToJson()));

    /// <summary>The plan as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PlanJson.Default.QuantizationPlan);
}

/// <summary>Calibration ranges on their own, to be used again with another command.</summary>
/// <param name="Model">Fingerprint of the float model they were found with, as rewritten for the engine.</param>
/// <param name="Ranges">By value.</param>
public sealed record CalibrationRanges(string Model, IReadOnlyList<PlannedRange> Ranges)
{
    private const string What = "file of calibration ranges";

    /// <summary>Repairs of the float model that it had when these ranges were found: whoever uses the ranges makes the same.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];

    /// <summary>Those of a plan.</summary>
    public static CalibrationRanges Of(QuantizationPlan plan) => new(plan.Model, plan.Ranges) { Repairs = [.. plan.Repairs.Where(ModelRepairs.Has)] };

    /// <summary>Reads a file.</summary>
    /// <exception cref="CompressionException">It holds no ranges.</exception>
    public static CalibrationRanges Load(string path) => PlanJson.Read(path, PlanJson.Default.CalibrationRanges, What, ranges => ranges.Problems());

    /// <summary>Every broken rule, in words; empty when the ranges are usable.</summary>
    public IEnumerable<string> Problems() => PlannedRange.Problems(Ranges)
        .Concat(Repairs.Where(r => r is null || !ModelRepairs.Has(r)).Select(r => $"'{r}' is no repair of the float model."));

    /// <summary>Writes a file.</summary>
    public void Save(string path) => OutputFile.WriteText(path, text => text.WriteLine(JsonSerializer.Serialize(this, PlanJson.Default.CalibrationRanges)));
}

/// <summary>Plan files as JSON: camelCase, indented; a key that is not known is an error, so that a typing error does not pass for a default.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true, MaxDepth = 16, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(QuantizationPlan))]
[JsonSerializable(typeof(CalibrationRanges))]
internal sealed partial class PlanJson : JsonSerializerContext
{
    /// <summary>Bytes of a file: a plan of a hundred thousand operators has a third of it.</summary>
    private const int MostBytes = 100_000_000;

    /// <summary>Reads a file, and refuses one that cannot be used.</summary>
    /// <param name="path">The file.</param>
    /// <param name="type">What it holds.</param>
    /// <param name="what">That, in words.</param>
    /// <param name="problems">Every broken rule, in words.</param>
    /// <exception cref="CompressionException">It does not hold it, or breaks a rule.</exception>
    public static T Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string what, Func<T, IEnumerable<string>> problems)
    {
        using MemoryStream text = new(InputFile.ReadAll(path, MostBytes));
        try
        {
            T read = JsonSerializer.Deserialize(text, type) ?? throw new JsonException("It is empty.");
            return string.Join(" ", problems(read)) is { Length: > 0 } wrong ? throw Fail($"{path} is no {what} this program can use: {wrong}") : read;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or FormatException or ArithmeticException or InvalidOperationException or NotSupportedException)
        {
            throw Fail($"{path} is no {what} this program can read: {Reason(e)}");
        }
    }

    /// <summary>What is wrong in words of the file: its writer knows places in it, not this program's types.</summary>
    private static string Reason(Exception e)
    {
        string message = e.Message.Split('\n')[0];
        return e is JsonException { Path: { } place, LineNumber: { } line } && OfTypes().IsMatch(message) ? $"what stands at {place}, in line {line + 1}, does not belong there."
            : Unknown().Replace(message, "is none of those that belong there.");
    }

    [GeneratedRegex("could not be converted to|doesn't allow null")]
    private static partial Regex OfTypes();

    [GeneratedRegex("could not be mapped to .*")]
    private static partial Regex Unknown();

    private static CompressionException Fail(string message) => new(message) { Pass = "quantize" };
}
