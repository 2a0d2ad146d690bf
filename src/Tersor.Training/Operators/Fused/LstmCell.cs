using System.Numerics;

namespace Tersor.Training.Operators.Fused;

/// <summary>The arithmetic of one time step of <see cref="LstmSequence"/> between its matrix products: one pass over memory forward, one back.</summary>
/// <remarks>
/// i, o, f = sigmoid, g = tanh of the gates; c = f · c' + i · g; h = o · tanh(c), c' being the cell state before. Source: Gers et al. 2000, "Learning to forget", section 3; ONNX, operator LSTM.
/// </remarks>
internal static class LstmCell
{
    /// <summary>Makes a step.</summary>
    /// <param name="gates">[batch, 4 · size] in the order i, o, f, g: what goes into the activations; replaced by what comes out.</param>
    /// <param name="bias">Added to them before, [4 · size].</param>
    /// <param name="before">Cell states before, [batch, size].</param>
    /// <param name="cells">Cell states after.</param>
    /// <param name="states">Hidden states after.</param>
    /// <param name="size">Numbers in a state.</param>
    public static void Forward(Span<float> gates, ReadOnlySpan<float> bias, ReadOnlySpan<float> before, Span<float> cells, Span<float> states, int size)
    {
        for (int row = 0; row < cells.Length; row += size)
            ForwardRow(gates.Slice(4 * row, 4 * size), bias, before.Slice(row, size), cells.Slice(row, size), states.Slice(row, size));
    }

    /// <summary>Gradients of a step.</summary>
    /// <param name="gates">What came out of the activations; replaced by the gradient of what went in.</param>
    /// <param name="before">Cell states before.</param>
    /// <param name="cells">Cell states after.</param>
    /// <param name="ofStates">Gradient of the hidden states after.</param>
    /// <param name="ofCells">Gradient of the cell states after; replaced by that of those before.</param>
    /// <param name="size">Numbers in a state.</param>
    public static void Backward(Span<float> gates, ReadOnlySpan<float> before, ReadOnlySpan<float> cells, ReadOnlySpan<float> ofStates, Span<float> ofCells, int size)
    {
        for (int row = 0; row < cells.Length; row += size)
            BackwardRow(gates.Slice(4 * row, 4 * size), before.Slice(row, size), cells.Slice(row, size), ofStates.Slice(row, size), ofCells.Slice(row, size));
    }

    private static void ForwardRow(Span<float> gates, ReadOnlySpan<float> bias, ReadOnlySpan<float> before, Span<float> cell, Span<float> state)
    {
        int size = cell.Length, n = 0;
        Span<float> three = gates[..(3 * size)], i = gates[..size], o = gates.Slice(size, size), f = gates.Slice(2 * size, size), g = gates[(3 * size)..];
        ReadOnlySpan<float> last = bias[(3 * size)..];
        // Few values at a time, so that the compiler keeps them in registers.
        for (; n <= three.Length - Vector<float>.Count; n += Vector<float>.Count)
            VectorFunctions.Sigmoid(new Vector<float>(three[n..]) + new Vector<float>(bias[n..])).CopyTo(three[n..]);
        for (; n < three.Length; n++)
            three[n] = 1 / (1 + MathF.Exp(-three[n] - bias[n]));
        for (n = 0; n <= size - Vector<float>.Count; n += Vector<float>.Count)
            VectorFunctions.Tanh(new Vector<float>(g[n..]) + new Vector<float>(last[n..])).CopyTo(g[n..]);
        for (; n < size; n++)
            g[n] = MathF.Tanh(g[n] + last[n]);
        for (n = 0; n <= size - Vector<float>.Count; n += Vector<float>.Count)
        {
            Vector<float> c = new Vector<float>(f[n..]) * new Vector<float>(before[n..]) + new Vector<float>(i[n..]) * new Vector<float>(g[n..]);
            c.CopyTo(cell[n..]);
            (new Vector<float>(o[n..]) * VectorFunctions.Tanh(c)).CopyTo(state[n..]);
        }
        for (; n < size; n++)
        {
            cell[n] = f[n] * before[n] + i[n] * g[n];
            state[n] = o[n] * MathF.Tanh(cell[n]);
        }
    }

    private static void BackwardRow(Span<float> gates, ReadOnlySpan<float> before, ReadOnlySpan<float> cell, ReadOnlySpan<float> ofState, Span<float> ofCell)
    {
        int size = cell.Length, n = 0;
        Span<float> i = gates[..size], o = gates.Slice(size, size), f = gates.Slice(2 * size, size), g = gates[(3 * size)..];
        for (; n <= size - Vector<float>.Count; n += Vector<float>.Count)
        {
            Vector<float> one = Vector<float>.One, bent = VectorFunctions.Tanh(new(cell[n..])), output = new(o[n..]), up = new(ofState[n..]);
            Vector<float> c = new Vector<float>(ofCell[n..]) + up * output * (one - bent * bent), input = new(i[n..]), forget = new(f[n..]), candidate = new(g[n..]);
            (up * bent * output * (one - output)).CopyTo(o[n..]);
            (c * candidate * input * (one - input)).CopyTo(i[n..]);
            (c * new Vector<float>(before[n..]) * forget * (one - forget)).CopyTo(f[n..]);
            (c * input * (one - candidate * candidate)).CopyTo(g[n..]);
            (c * forget).CopyTo(ofCell[n..]);
        }
        for (; n < size; n++)
        {
            float bent = MathF.Tanh(cell[n]), c = ofCell[n] + ofState[n] * o[n] * (1 - bent * bent), input = i[n];
            i[n] = c * g[n] * input * (1 - input);
            g[n] = c * input * (1 - g[n] * g[n]);
            o[n] = ofState[n] * bent * o[n] * (1 - o[n]);
            ofCell[n] = c * f[n];
            f[n] = c * before[n] * f[n] * (1 - f[n]);
        }
    }
}
