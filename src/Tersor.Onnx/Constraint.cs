using System.Text.Json.Serialization;

namespace Tersor.Onnx;

/// <summary>Something about a weight that later passes and training must keep. A small tag in the file's metadata, keyed by the weight's name.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Mask), "mask")]
[JsonDerivedType(typeof(NOfM), "n:m")]
[JsonDerivedType(typeof(Codebook), "codebook")]
[JsonDerivedType(typeof(Grid), "grid")]
[JsonDerivedType(typeof(Tie), "tie")]
public abstract record Constraint
{
    /// <summary>The weight's zeros stay zero. The mask is the zeros themselves.</summary>
    public sealed record Mask : Constraint;

    /// <summary>Of every <paramref name="M"/> neighbours along <paramref name="Axis"/>, at most <paramref name="N"/> are not zero.</summary>
    public sealed record NOfM(int N, int M, int Axis) : Constraint;

    /// <summary>The weight holds at most <paramref name="Size"/> different values.</summary>
    public sealed record Codebook(int Size) : Constraint;

    /// <summary>The weight lies on a uniform grid of <paramref name="Bits"/> bits, with one scale per index of <paramref name="Axis"/>, or one in all when that is null.</summary>
    public sealed record Grid(int Bits, int? Axis) : Constraint;

    /// <summary>All weights of one <paramref name="Group"/> hold the same values.</summary>
    public sealed record Tie(string Group) : Constraint;
}
