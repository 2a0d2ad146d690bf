namespace Tersor.Onnx.Inference.Rules;

/// <summary>RNN, LSTM, GRU: all steps [steps, directions, batch, hidden], then the last state(s) [directions, batch, hidden].</summary>
internal static class Recurrent
{
    public static void Rnn(NodeFacts n)
    {
        bool batchFirst = n.Int("layout", 0) != 0;
        Dimension[]? x = n.Shape(0) is { Length: 3 } known ? known : null;
        Dimension hidden = n.Int("hidden_size") is { } size ? size : n.Shape(2)?[^1] ?? Dims.Unknown, directions = n.Text("direction") == "bidirectional" ? 2 : 1;
        Dimension steps = x?[batchFirst ? 1 : 0] ?? Dims.Unknown, batch = x?[batchFirst ? 0 : 1] ?? Dims.Unknown;
        n.Set(0, n.Element(0), batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]);
        for (int i = 1; i < n.OutputCount; i++)
            n.Set(i, n.Element(0), batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]);
    }
}
