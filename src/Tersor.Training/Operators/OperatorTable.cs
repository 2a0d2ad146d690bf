using Tersor.Training.Operators.Fused;

namespace Tersor.Training.Operators;

/// <summary>Which function computes which operator. Adding an operator is adding a row to the list of its family.</summary>
internal static class OperatorTable
{
    private static readonly ILookup<(string Domain, string OpType), OperatorRow> Rows = All().ToLookup(r => (r.Domain, r.OpType));

    /// <summary>Every row.</summary>
    public static IEnumerable<OperatorRow> All() =>
    [
        .. Activations.Rows,
        .. Attention.Rows,
        .. Casts.Rows,
        .. ClassicalModels.Rows,
        .. ControlFlow.Rows,
        .. Convolutions.Rows,
        .. Elementwise.Rows,
        .. FakeQuantization.Rows,
        .. Images.Rows,
        .. Indexing.Rows,
        .. Logic.Rows,
        .. Losses.Rows,
        .. Matrices.Rows,
        .. Normalizations.Rows,
        .. Padding.Rows,
        .. Pooling.Rows,
        .. Quantization.Rows,
        .. QuantizedMatrices.Rows,
        .. RandomNumbers.Rows,
        .. Recurrent.Rows,
        .. Reductions.Rows,
        .. Regions.Rows,
        .. Resizing.Rows,
        .. Selection.Rows,
        .. Sequences.Rows,
        .. Shapes.Rows,
        .. Signals.Rows,
        .. SpecialConvolutions.Rows,
        .. TransformerFusions.Rows,
    ];

    /// <summary>The row for an operator at a version of its operator set; null where there is none.</summary>
    public static OperatorRow? Find(string domain, string opType, long version) =>
        Rows[(domain == "ai.onnx" ? "" : domain, opType)].Where(r => r.Since <= version).MaxBy(r => r.Since);
}
