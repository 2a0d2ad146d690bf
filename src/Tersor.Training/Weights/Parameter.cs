using Tersor.Onnx;

namespace Tersor.Training.Weights;

/// <summary>Numbers that are trained: a part of the flat buffer of all of them.</summary>
/// <param name="Name">Name of the constant.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Where it begins in the buffer.</param>
/// <param name="Stands">Constants of the program it stands for: one, or several that are tied.</param>
internal sealed record Parameter(string Name, long[] Shape, long Offset, IReadOnlyList<Value> Stands)
{
    /// <summary>Whether it is trained beside the model, and no part of it.</summary>
    public bool IsHelper { get; init; }

    /// <summary>What it starts from where that is not what it stands for; null: the constant.</summary>
    public OnnxTensor? Start { get; init; }

    /// <summary>Its part of a row as long as the buffer, in its shape; owned by the current scope.</summary>
    public Tensor In(Tensor row) => row.narrow(0, Offset, Length).view(Shape);

    /// <summary>How many numbers.</summary>
    public long Length { get; } = Shape.Aggregate(1L, (a, b) => a * b);
}
