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
        int rest = size % Vector<float>.Count;
        for (int row = 0; row < cells.Length; row += size)
        {
            Span<float> own = gates.Slice(4 * row, 4 * size), cell = cells.Slice(row, size), state = states.Slice(row, size);
            ReadOnlySpan<float> last = before.Slice(row, size);
            ForwardRow(own, bias, last, cell, state);
            if (rest > 0)
                ForwardRest(own, bias, last, cell, state, rest);
        }
    }

    /// <summary>Gradients of a step.</summary>
    /// <param name="gates">What came out of the activations; replaced by the gradient of what went in.</param>
    /// <param name="before">Cell states before.</param>
    /// <param name="cells">Cell states after.</param>
    /// <param name="ofStates">Gradient of the hidden states after, as far as they are results.</param>
    /// <param name="ofNext">The same as far as the next step reads them, in rows that begin with something else.</param>
    /// <param name="beside">How many numbers of something else.</param>
    /// <param name="ofCells">Gradient of the cell states after; replaced by that of those before.</param>
    /// <param name="size">Numbers in a state.</param>
    public static void Backward(Span<float> gates, ReadOnlySpan<float> before, ReadOnlySpan<float> cells, ReadOnlySpan<float> ofStates, ReadOnlySpan<float> ofNext, int beside, Span<float> ofCells, int size)
    {
        int rest = size % Vector<float>.Count;
        for (int row = 0; row < cells.Length; row += size)
        {
            Span<float> own = gates.Slice(4 * row, 4 * size), ofCell = ofCells.Slice(row, size);
            ReadOnlySpan<float> last = before.Slice(row, size), cell = cells.Slice(row, size), ofState = ofStates.Slice(row, size), next = ofNext.Slice(row / size * (beside + size) + beside, size);
            BackwardRow(own, last, cell, ofState, next, ofCell);
            if (rest > 0)
                BackwardRest(own, last, cell, ofState, next, ofCell, rest);
        }
    }

    /// <summary>A row but for what fills no vector.</summary>
    private static void ForwardRow(Span<float> gates, ReadOnlySpan<float> bias, ReadOnlySpan<float> before, Span<float> cell, Span<float> state)
    {
        int size = cell.Length, whole = size - size % Vector<float>.Count;
        Span<float> i = gates[..size], o = gates.Slice(size, size), f = gates.Slice(2 * size, size), g = gates[(3 * size)..];
        ReadOnlySpan<float> last = bias[(3 * size)..];
        // Few values at a time, so that the compiler keeps them in registers.
        for (int gate = 0; gate < 3 * size; gate += size)
        {
            for (int n = gate; n < gate + whole; n += Vector<float>.Count)
                VectorFunctions.Sigmoid(new Vector<float>(gates[n..]) + new Vector<float>(bias[n..])).CopyTo(gates[n..]);
        }
        for (int n = 0; n < whole; n += Vector<float>.Count)
            VectorFunctions.Tanh(new Vector<float>(g[n..]) + new Vector<float>(last[n..])).CopyTo(g[n..]);
        for (int n = 0; n < whole; n += Vector<float>.Count)
        {
            Vector<float> c = new Vector<float>(f[n..]) * new Vector<float>(before[n..]) + new Vector<float>(i[n..]) * new Vector<float>(g[n..]);
            c.CopyTo(cell[n..]);
            (new Vector<float>(o[n..]) * VectorFunctions.Tanh(c)).CopyTo(state[n..]);
        }
    }

    private static void BackwardRow(Span<float> gates, ReadOnlySpan<float> before, ReadOnlySpan<float> cell, ReadOnlySpan<float> ofState, ReadOnlySpan<float> ofNext, Span<float> ofCell)
    {
        int size = cell.Length, whole = size - size % Vector<float>.Count;
        Span<float> i = gates[..size], o = gates.Slice(size, size), f = gates.Slice(2 * size, size), g = gates[(3 * size)..];
        for (int n = 0; n < whole; n += Vector<float>.Count)
        {
            Vector<float> one = Vector<float>.One, bent = VectorFunctions.Tanh(new(cell[n..])), output = new(o[n..]), up = new Vector<float>(ofState[n..]) + new Vector<float>(ofNext[n..]);
            Vector<float> c = new Vector<float>(ofCell[n..]) + up * output * (one - bent * bent), input = new(i[n..]), forget = new(f[n..]), candidate = new(g[n..]);
            (up * bent * output * (one - output)).CopyTo(o[n..]);
            (c * candidate * input * (one - input)).CopyTo(i[n..]);
            (c * new Vector<float>(before[n..]) * forget * (one - forget)).CopyTo(f[n..]);
            (c * input * (one - candidate * candidate)).CopyTo(g[n..]);
            (c * forget).CopyTo(ofCell[n..]);
        }
    }

    // The end of a row goes through the same code in a row of its own, filled up with zeros, so that the place of a number in its row does not change its bits.
    private static void ForwardRest(Span<float> gates, ReadOnlySpan<float> bias, ReadOnlySpan<float> before, Span<float> cell, Span<float> state, int rest)
    {
        int width = Vector<float>.Count;
        Span<float> room = stackalloc float[11 * width];
        room.Clear();
        Span<float> ownGates = room[..(4 * width)], ownBias = room.Slice(4 * width, 4 * width), ownBefore = room.Slice(8 * width, width), ownCell = room.Slice(9 * width, width), ownState = room[(10 * width)..];
        CopyGates(gates, ownGates, rest);
        CopyGates(bias, ownBias, rest);
        before[^rest..].CopyTo(ownBefore);
        ForwardRow(ownGates, ownBias, ownBefore, ownCell, ownState);
        CopyGates(ownGates, gates, rest, back: true);
        ownCell[..rest].CopyTo(cell[^rest..]);
        ownState[..rest].CopyTo(state[^rest..]);
    }

    private static void BackwardRest(Span<float> gates, ReadOnlySpan<float> before, ReadOnlySpan<float> cell, ReadOnlySpan<float> ofState, ReadOnlySpan<float> ofNext, Span<float> ofCell, int rest)
    {
        int width = Vector<float>.Count;
        Span<float> room = stackalloc float[9 * width];
        room.Clear();
        Span<float> ownGates = room[..(4 * width)], ownBefore = room.Slice(4 * width, width), ownCell = room.Slice(5 * width, width), ownState = room.Slice(6 * width, width), ownNext = room.Slice(7 * width, width), own = room[(8 * width)..];
        CopyGates(gates, ownGates, rest);
        before[^rest..].CopyTo(ownBefore);
        cell[^rest..].CopyTo(ownCell);
        ofState[^rest..].CopyTo(ownState);
        ofNext[^rest..].CopyTo(ownNext);
        ofCell[^rest..].CopyTo(own);
        BackwardRow(ownGates, ownBefore, ownCell, ownState, ownNext, own);
        CopyGates(ownGates, gates, rest, back: true);
        own[..rest].CopyTo(ofCell[^rest..]);
    }

    /// <summary>Copies the end of each of four parts to the beginning of another four; or back.</summary>
    private static void CopyGates(ReadOnlySpan<float> from, Span<float> to, int rest, bool back = false)
    {
        int source = from.Length / 4, target = to.Length / 4;
        for (int gate = 0; gate < 4; gate++)
            from.Slice(gate * source + (back ? 0 : source - rest), rest).CopyTo(to.Slice(gate * target + (back ? target - rest : 0), rest));
    }
}
