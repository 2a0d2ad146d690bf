
namespace Tersor.Training.Operators;

/// <summary>Arithmetic on elements, with broadcasting as ONNX has it (the same as libtorch's).</summary>
internal static class Elementwise
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Add", 7, c => c[0] + c[1]),
        new("Sub", 7, c => c[0] - c[1]),
        new("Mul", 7, c => c[0] * c[1]),
        new("Identity", 1, c => c.Inputs[0] is TensorSequence sequence ? sequence.Alias() : c[0].alias()),
    ];
}
