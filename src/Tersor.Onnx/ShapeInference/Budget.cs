namespace Tersor.Onnx.Inference;

/// <summary>How many more nodes may be visited.</summary>
internal sealed class Budget(long visits)
{
    public bool IsSpent => visits <= 0;

    public void Spend() => visits--;
}
