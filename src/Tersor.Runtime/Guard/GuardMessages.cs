using System.Text.Json.Serialization;

namespace Tersor.Runtime.Guard;

/// <summary>What the parent asks of the child: one line of JSON on its standard input.</summary>
internal sealed record GuardRequest(string ModelPath, string Folder, SessionSettings Settings, int Steps, bool LoadOnly, bool KeepOutputs, Dictionary<string, string> Feedback, int Repetitions);

/// <summary>What the child answers: a file in the request's folder.</summary>
internal sealed record GuardResponse
{
    public string? Error { get; init; }

    public long BaseMemoryBytes { get; init; }

    public long PeakMemoryBytes { get; init; }

    public double CpuSeconds { get; init; }

    public double LoadSeconds { get; init; }

    public double RunSeconds { get; init; }

    public int Steps { get; init; }
}

/// <summary>How a value is made of the tensors of a <see cref="ValueFile"/>.</summary>
internal sealed record ValueLayout(string Kind, string? Tensor = null, string? Values = null, List<ValueLayout>? Elements = null);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GuardRequest))]
[JsonSerializable(typeof(GuardResponse))]
[JsonSerializable(typeof(Dictionary<string, ValueLayout>))]
internal sealed partial class GuardJson : JsonSerializerContext;
