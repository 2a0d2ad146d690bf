namespace Tersor.Training.Operators;

/// <summary>One implementation: from this version of the operator set on, until another row of the same operator begins.</summary>
/// <param name="OpType">Name of the operator.</param>
/// <param name="Since">First version of its operator set that it holds for.</param>
/// <param name="Run">Runs one node.</param>
internal sealed record OperatorRow(string OpType, int Since, Func<OperatorCall, OperatorResult> Run)
{
    /// <summary>Domain of the operator set; empty for ONNX's own.</summary>
    public string Domain { get; init; } = "";
}
