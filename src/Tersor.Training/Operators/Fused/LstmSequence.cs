using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators.Fused;

/// <summary>One direction of an LSTM with sigmoid and tanh, all its time steps as one node of autograd: a matrix product and a pass over memory a step, and the gradients of its weights as one product over all steps.</summary>
/// <remarks>Input and hidden state lie side by side in memory, as do their weights: one product serves both.</remarks>
internal static class LstmSequence
{
    /// <summary>Runs it.</summary>
    /// <param name="x">Inputs in order of time, [steps, batch, inputs]; steps at least 1.</param>
    /// <param name="weight">[4 · size, inputs], gates in the order i, o, f, g.</param>
    /// <param name="recurrence">[4 · size, size].</param>
    /// <param name="bias">[4 · size]; null: none.</param>
    /// <param name="hidden">Hidden states at the beginning, [batch, size].</param>
    /// <param name="cell">Cell states at the beginning, [batch, size].</param>
    /// <param name="reversed">Whether time runs from the last step to the first.</param>
    /// <returns>The hidden states of every step in order of time, [steps, batch, size]; the hidden and the cell states at the end, [batch, size].</returns>
    public static (Tensor Steps, Tensor Hidden, Tensor Cell) Run(Tensor x, Tensor weight, Tensor recurrence, Tensor? bias, Tensor hidden, Tensor cell, bool reversed)
    {
        bias ??= zeros(weight.shape[0], x.dtype);
        long steps = x.shape[0];
        bool learns = is_grad_enabled() && new[] { x, weight, recurrence, bias, hidden, cell }.Any(t => t.requires_grad);
        Tensor all = learns ? LstmFunction.apply(x, weight, recurrence, bias, hidden, cell, reversed) : LstmFunction.Forward(x, weight, recurrence, bias, hidden, cell, reversed, null);
        return (all.narrow(0, 0, steps), all.select(0, reversed ? 0 : steps - 1), all.select(0, steps));
    }

    /// <summary>The steps in the order they are taken: where one lies, and where the next does; −1: there is none.</summary>
    private static IEnumerable<(int Step, int Next)> Order(long steps, bool reversed)
    {
        for (int s = 0; s < steps; s++)
            yield return reversed ? ((int)steps - 1 - s, (int)steps - 2 - s) : (s, s + 1 < steps ? s + 1 : -1);
    }

    private sealed class LstmFunction : autograd.SingleTensorFunction<LstmFunction>
    {
        public override string Name => nameof(LstmSequence);

        /// <summary>Hidden states of every step with the last cell states behind them, [steps + 1, batch, size].</summary>
        /// <remarks>Whoever is to keep it is told what gradients are made from, and owns it then.</remarks>
        public static Tensor Forward(Tensor x, Tensor weight, Tensor recurrence, Tensor bias, Tensor hidden, Tensor cell, bool reversed, Action<Tape>? keep)
        {
            using IDisposable _ = no_grad();
            using IDisposable scope = NewDisposeScope();
            (long steps, long batch, long inputs, long size) = (x.shape[0], x.shape[1], x.shape[2], recurrence.shape[1]);
            Tensor joined = cat([weight, recurrence], 1), turned = joined.t(), shift = bias.contiguous(), start = cell.detach().clone();
            Tensor fed = empty([steps, batch, inputs + size]), gates = empty([steps, batch, 4 * size]), cells = empty([steps, batch, size]), result = empty([steps + 1, batch, size]);
            fed.narrow(2, 0, inputs).copy_(x);
            fed.select(0, reversed ? steps - 1 : 0).narrow(1, inputs, size).copy_(hidden);
            ReadOnlySpan<float> added = TorchTensors.View<float>(shift), before = TorchTensors.View<float>(start);
            foreach ((int step, int next) in Order(steps, reversed))
            {
                Tensor own = gates.select(0, step), c = cells.select(0, step), h = result.select(0, step);
                own.addmm_(fed.select(0, step), turned, beta: 0, alpha: 1);
                LstmCell.Forward(TorchTensors.View<float>(own), added, before, TorchTensors.View<float>(c), TorchTensors.View<float>(h), (int)size);
                before = TorchTensors.View<float>(c);
                if (next >= 0)
                    fed.select(0, next).narrow(1, inputs, size).copy_(h);
            }
            before.CopyTo(TorchTensors.View<float>(result.select(0, steps)));
            keep?.Invoke(new(joined.DetachFromDisposeScope(), fed.DetachFromDisposeScope(), gates.DetachFromDisposeScope(), cells.DetachFromDisposeScope(), start.DetachFromDisposeScope(), reversed, x.requires_grad));
            return result.MoveToOuterDisposeScope();
        }

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            Tensor[] given = [.. inputs[..6].Cast<Tensor>()];
            // Held by the node: what is no input of it, autograd keeps for nobody.
            return Forward(given[0], given[1], given[2], given[3], given[4], given[5], (bool)inputs[6], tape => context.save_data(nameof(Tape), tape));
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            using IDisposable _ = no_grad();
            using IDisposable scope = NewDisposeScope();
            using Tape tape = (Tape)context.get_data(nameof(Tape));
            (long steps, long batch, long size) = (tape.Cells.shape[0], tape.Cells.shape[1], tape.Cells.shape[2]);
            long inputs = tape.Fed.shape[2] - size;
            Tensor dense = gradient.contiguous(), ofCell = dense.select(0, steps).clone(), gates = tape.Gates, ofFed = tape.WantsInput ? empty_like(tape.Fed) : empty([0]), recurrence = tape.Joined.narrow(1, inputs, size);
            Tensor ofHidden = zeros([batch, size]);
            foreach ((int step, int previous) in Order(steps, !tape.IsReversed))
            {
                Tensor own = gates.select(0, step);
                // The gates are replaced by their gradients: nothing else needs them.
                LstmCell.Backward(TorchTensors.View<float>(own), TorchTensors.View<float>(previous < 0 ? tape.Start : tape.Cells.select(0, previous)), TorchTensors.View<float>(tape.Cells.select(0, step)),
                    TorchTensors.View<float>(ofHidden.add_(dense.select(0, step))), TorchTensors.View<float>(ofCell), (int)size);
                if (tape.WantsInput)
                    ofHidden = ofFed.select(0, step).addmm_(own, tape.Joined, beta: 0, alpha: 1).narrow(1, inputs, size).contiguous();
                else
                    ofHidden = own.mm(recurrence);
            }
            Tensor flat = gates.reshape(steps * batch, 4 * size), ofJoined = flat.t().mm(tape.Fed.reshape(steps * batch, inputs + size));
            Tensor?[] gradients = [tape.WantsInput ? ofFed.narrow(2, 0, inputs) : null, ofJoined.narrow(1, 0, inputs), ofJoined.narrow(1, inputs, size), flat.sum([0L]), ofHidden, ofCell, null];
            return [.. gradients.Select(g => g?.MoveToOuterDisposeScope()!)];
        }
    }

    /// <summary>What gradients are made from.</summary>
    /// <param name="Joined">Weights of the input and of the hidden state, [4 · size, inputs + size].</param>
    /// <param name="Fed">Input and hidden state before every step, [steps, batch, inputs + size].</param>
    /// <param name="Gates">What came out of the gates' activations, [steps, batch, 4 · size].</param>
    /// <param name="Cells">Cell states after every step, [steps, batch, size].</param>
    /// <param name="Start">Cell states at the beginning.</param>
    /// <param name="IsReversed">Whether time ran from the last step to the first.</param>
    /// <param name="WantsInput">Whether the input needs a gradient.</param>
    private sealed record Tape(Tensor Joined, Tensor Fed, Tensor Gates, Tensor Cells, Tensor Start, bool IsReversed, bool WantsInput) : IDisposable
    {
        public void Dispose()
        {
            foreach (Tensor tensor in new[] { Joined, Fed, Gates, Cells, Start })
                tensor.Dispose();
        }
    }
}
