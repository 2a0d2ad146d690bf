using Tersor.Training.Operators.Fused;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Recurrent networks. An LSTM of the usual kind is one function; elsewhere all time steps' inputs are projected at once, and a step is as few operations as its arithmetic allows.</summary>
internal static class Recurrent
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("GRU", 1, Scoped(c => Run(c, 3, Gru))),
        new("LSTM", 1, Scoped(c => Run(c, 4, Lstm))),
        new("RNN", 1, Scoped(c => Run(c, 1, Plain))),
    ];

    /// <summary>What one direction runs with.</summary>
    /// <param name="Steps">Inputs of the time steps in the order they are taken, [batch, gates · hidden]: projected, biases of the input added.</param>
    /// <param name="Recurrence">[gates · hidden, hidden].</param>
    /// <param name="Bias">Biases of the recurrence, [gates · hidden]; null where there are none.</param>
    /// <param name="Peepholes">[3 · hidden], in the order i, o, f; null where there are none.</param>
    /// <param name="Masks">Which sequences are still running at each step, [batch, 1]; null: all are.</param>
    /// <param name="Activations">f, g and h.</param>
    /// <param name="Clip">Limit of what goes into activations; 0: none.</param>
    private sealed record Direction(Tensor[] Steps, Tensor Recurrence, Tensor? Bias, Tensor? Peepholes, Tensor[]? Masks, Func<Tensor, Tensor>[] Activations, double Clip)
    {
        public long Hidden => Recurrence.shape[1];

        public Tensor Apply(int function, Tensor x) => Activations[function](Clip > 0 ? x.clamp(-Clip, Clip) : x);

        /// <summary>The new state, or the old one for sequences that have ended.</summary>
        public Tensor Running(int step, Tensor now, Tensor before) => Masks is null ? now : where(Masks[step], now, before);
    }

    /// <summary>Runs one direction from its initial states: gives the hidden state after every step, and the last cell state where there is one.</summary>
    private delegate (Tensor[] Hidden, Tensor Cell) Cell(OperatorCall call, Direction direction, Tensor hidden, Tensor cell);

    private static OperatorResult Run(OperatorCall call, int gates, Cell cell)
    {
        bool batchFirst = call.Node.Int("layout", 0) != 0;
        Tensor x = (batchFirst ? call[0].transpose(0, 1) : call[0]).contiguous(), recurrence = call[2];
        long[] shape = x.shape;
        long hidden = recurrence.shape[2];
        string direction = call.Node.Text("direction") ?? "forward";
        bool[] reversed = direction switch { "forward" => [false], "reverse" => [true], "bidirectional" => [false, true], _ => throw call.Bad($"has direction '{direction}'") };
        Func<Tensor, Tensor>[] activations = call.Once("activations", () => RecurrentActivations.Of(call, gates switch { 4 => 3, 3 => 2, _ => 1 }, reversed.Length));
        int functions = activations.Length / reversed.Length;
        Tensor? initial = Initial(call, 5, batchFirst, shape[1]), initialCell = gates == 4 ? Initial(call, 6, batchFirst, shape[1]) : null;
        Tensor[]? masks = call.Optional(4) is { } lengths
            ? (arange(shape[0], ScalarType.Int64).reshape(-1, 1, 1) < lengths.to_type(ScalarType.Int64).reshape(1, -1, 1)).unbind(0) : null;
        Tensor?[] outputs = new Tensor?[3];
        List<Tensor> all = [], last = [], cells = [];
        for (int d = 0; d < reversed.Length; d++)
        {
            Tensor zero = initial is null || gates == 4 && initialCell is null ? zeros([shape[1], hidden], x.dtype) : x;
            Tensor before = initial?.select(0, d) ?? zero, cellBefore = initialCell?.select(0, d) ?? zero;
            if (gates == 4 && masks is null && IsPlain(call))
            {
                Tensor[]? halves = call.Optional(3)?.select(0, d).chunk(2, 0);
                (Tensor y, Tensor end, Tensor cellEnd) = LstmSequence.Run(x, call[1].select(0, d), recurrence.select(0, d), halves is null ? null : halves[0] + halves[1], before, cellBefore, reversed[d]);
                all.Add(y);
                last.Add(end);
                cells.Add(cellEnd);
                continue;
            }
            Direction one = Prepare(call, gates, d, reversed[d], x, masks, activations[(d * functions)..((d + 1) * functions)]);
            (Tensor[] states, Tensor lastCell) = cell(call, one, before, cellBefore);
            last.Add(states[^1]);
            cells.Add(lastCell);
            if (call.Node.Output(0) is not null)
            {
                Tensor y = stack(reversed[d] ? states.Reverse() : states, 0);
                all.Add(masks is null ? y : y * stack(masks, 0).to_type(y.dtype));
            }
        }
        outputs[0] = call.Node.Output(0) is null ? null : batchFirst ? stack([.. all.Select(y => y.transpose(0, 1))], 2) : stack(all, 1);
        outputs[1] = stack(last, batchFirst ? 1 : 0);
        outputs[2] = gates == 4 ? stack(cells, batchFirst ? 1 : 0) : null;
        return outputs;
    }

    /// <summary>Whether an LSTM is of the usual kind, which runs as one function.</summary>
    private static bool IsPlain(OperatorCall call) => call.Optional(7) is null && call.Node.Int("input_forget", 0) == 0 && call.Node.Float("clip", 0) == 0 && RecurrentActivations.AreUsual(call.Node)
        && call[0].shape[0] > 0 && call[0].shape[1] > 0 && new[] { call[0], call[1], call[2], call.Optional(3), call.Optional(5), call.Optional(6) }.All(t => t is null || t.dtype == ScalarType.Float32);

    /// <summary>An initial state, [directions, batch, hidden].</summary>
    private static Tensor? Initial(OperatorCall call, int input, bool batchFirst, long batch)
    {
        if (call.Optional(input) is not { } state)
            return null;
        state = batchFirst ? state.transpose(0, 1) : state;
        long[] shape = state.shape;
        return shape[1] == 1 && batch > 1 && call.Run.Batch is { Declared: 1 } ? state.expand(shape[0], batch, shape[2]) : state; // written for a batch of one
    }

    private static Direction Prepare(OperatorCall call, int gates, int d, bool reversed, Tensor x, Tensor[]? masks, Func<Tensor, Tensor>[] activations)
    {
        long[] shape = x.shape;
        Tensor weight = call[1].select(0, d), recurrence = call[2].select(0, d), flat = x.reshape(shape[0] * shape[1], shape[2]);
        long rows = weight.shape[0];
        Tensor? inputBias = null, bias = null;
        if (call.Optional(3) is { } biases)
        {
            Tensor[] halves = biases.select(0, d).split([rows, rows], 0);
            // The reset gate of a GRU may act on the recurrence's bias: it stays apart there.
            (inputBias, bias) = gates == 3 ? (halves[0], halves[1]) : (halves[0] + halves[1], null);
        }
        Tensor projected = inputBias is null ? flat.mm(weight.t()) : inputBias.addmm(flat, weight.t());
        Tensor[] steps = projected.reshape(shape[0], shape[1], rows).unbind(0);
        if (reversed)
        {
            Array.Reverse(steps);
            masks = masks?.Reverse().ToArray();
        }
        return new(steps, recurrence, bias, gates == 4 ? call.Optional(7)?.select(0, d) : null, masks, activations, call.Node.Float("clip", 0));
    }

    private static (Tensor[] Hidden, Tensor Cell) Plain(OperatorCall call, Direction d, Tensor h, Tensor cell)
    {
        Tensor recurrence = d.Recurrence.t();
        Tensor[] states = new Tensor[d.Steps.Length];
        for (int t = 0; t < states.Length; t++)
            states[t] = h = d.Running(t, d.Apply(0, d.Steps[t].addmm(h, recurrence)), h);
        return (states, cell);
    }

    private static (Tensor[] Hidden, Tensor Cell) Lstm(OperatorCall call, Direction d, Tensor h, Tensor c)
    {
        Tensor recurrence = d.Recurrence.t();
        long hidden = d.Hidden;
        bool coupled = call.Node.Int("input_forget", 0) != 0;
        Tensor[] peepholes = d.Peepholes?.split([hidden, hidden, hidden], 0) ?? [];
        Tensor[] states = new Tensor[d.Steps.Length];
        for (int t = 0; t < states.Length; t++)
        {
            // The gates of a step lie side by side as i, o, f, c.
            Tensor gates = d.Steps[t].addmm(h, recurrence), i, o, f, candidate, next;
            if (peepholes.Length == 0)
            {
                Tensor[] parts = gates.split([3 * hidden, hidden], 1);
                Tensor[] three = d.Apply(0, parts[0]).chunk(3, 1);
                (i, o, f, candidate) = (three[0], three[1], coupled ? 1 - three[0] : three[2], d.Apply(1, parts[1]));
                next = (f * c).addcmul(i, candidate, 1);
            }
            else
            {
                Tensor[] parts = gates.chunk(4, 1);
                i = d.Apply(0, parts[0].addcmul(peepholes[0], c, 1));
                f = coupled ? 1 - i : d.Apply(0, parts[2].addcmul(peepholes[2], c, 1));
                next = (f * c).addcmul(i, d.Apply(1, parts[3]), 1);
                o = d.Apply(0, parts[1].addcmul(peepholes[1], next, 1));
            }
            Tensor output = o * d.Activations[2](next);
            c = d.Running(t, next, c);
            states[t] = h = d.Running(t, output, h);
        }
        return (states, c);
    }

    private static (Tensor[] Hidden, Tensor Cell) Gru(OperatorCall call, Direction d, Tensor h, Tensor cell)
    {
        long hidden = d.Hidden;
        bool resetAfter = call.Node.Int("linear_before_reset", 0) != 0;
        Tensor all = d.Recurrence.t(), gates = d.Recurrence.narrow(0, 0, 2 * hidden).t(), last = d.Recurrence.narrow(0, 2 * hidden, hidden).t();
        Tensor[]? biases = d.Bias?.split([2 * hidden, hidden], 0);
        Tensor[] states = new Tensor[d.Steps.Length];
        for (int t = 0; t < states.Length; t++)
        {
            // The gates of a step lie side by side as z, r, h.
            Tensor[] input = d.Steps[t].split([2 * hidden, hidden], 1), zr;
            Tensor candidate;
            if (resetAfter)
            {
                Tensor[] recurrent = (d.Bias is null ? h.mm(all) : d.Bias.addmm(h, all)).split([2 * hidden, hidden], 1);
                zr = d.Apply(0, input[0] + recurrent[0]).chunk(2, 1);
                candidate = d.Apply(1, input[1].addcmul(zr[1], recurrent[1], 1));
            }
            else
            {
                Tensor first = biases is null ? input[0] : input[0] + biases[0], second = biases is null ? input[1] : input[1] + biases[1];
                zr = d.Apply(0, first.addmm(h, gates)).chunk(2, 1);
                candidate = d.Apply(1, second.addmm(zr[1] * h, last));
            }
            states[t] = h = d.Running(t, candidate.addcmul(zr[0], h - candidate, 1), h);
        }
        return (states, cell);
    }
}
