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
        /// <remarks>Whoever is to keep what gradients are made from is told: weights of input and hidden state side by side; input and hidden state before every step; what came out of the gates; cell states after every step, and before the first.</remarks>
        public static Tensor Forward(Tensor x, Tensor weight, Tensor recurrence, Tensor bias, Tensor hidden, Tensor cell, bool reversed, Action<List<Tensor>>? keep)
        {
            using IDisposable _ = no_grad();
            using IDisposable scope = NewDisposeScope();
            (long steps, long batch, long inputs, long size) = (x.shape[0], x.shape[1], x.shape[2], recurrence.shape[1]);
            Tensor joined = cat([weight, recurrence], 1), turned = joined.t(), shift = bias.contiguous(), start = empty([batch, size]).copy_(cell);
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
            keep?.Invoke([joined.MoveToOuterDisposeScope(), fed.MoveToOuterDisposeScope(), gates.MoveToOuterDisposeScope(), cells.MoveToOuterDisposeScope(), start.MoveToOuterDisposeScope()]);
            return result.MoveToOuterDisposeScope();
        }

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            Tensor[] given = [.. inputs[..6].Cast<Tensor>()];
            context.save_data(nameof(Pass), new Pass((bool)inputs[6], given[0].requires_grad));
            return Forward(given[0], given[1], given[2], given[3], given[4], given[5], (bool)inputs[6], context.save_for_backward);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            using IDisposable _ = no_grad();
            using IDisposable scope = NewDisposeScope();
            List<Tensor> saved = context.get_saved_variables();
            (Tensor joined, Tensor fed, Tensor gates, Tensor cells, Tensor start) = (saved[0], saved[1], saved[2], saved[3], saved[4]);
            Pass pass = (Pass)context.get_data(nameof(Pass));
            (long steps, long batch, long size) = (cells.shape[0], cells.shape[1], cells.shape[2]);
            long inputs = fed.shape[2] - size;
            // The gates are replaced by their gradients, which saves a third of the memory it takes: a second time there is nothing to begin with.
            if (pass.IsDone)
                gates.fill_(float.NaN);
            pass.IsDone = true;
            Tensor dense = gradient.contiguous(), ofCell = empty([batch, size]).copy_(dense.select(0, steps)), ofFed = pass.WantsInput ? empty_like(fed) : empty([0]), recurrence = joined.narrow(1, inputs, size);
            // What the next step gives back: gradients of its input, where they are wanted, and beside them those of its hidden state.
            (Tensor product, int beside) = pass.WantsInput ? (zeros([batch, inputs + size]), (int)inputs) : (zeros([batch, size]), 0);
            foreach ((int step, int previous) in Order(steps, !pass.IsReversed))
            {
                Tensor own = gates.select(0, step);
                LstmCell.Backward(TorchTensors.View<float>(own), TorchTensors.View<float>(previous < 0 ? start : cells.select(0, previous)), TorchTensors.View<float>(cells.select(0, step)),
                    TorchTensors.View<float>(dense.select(0, step)), TorchTensors.View<float>(product), beside, TorchTensors.View<float>(ofCell), (int)size);
                product = pass.WantsInput ? ofFed.select(0, step).addmm_(own, joined, beta: 0, alpha: 1) : own.mm(recurrence);
            }
            Tensor flat = gates.reshape(steps * batch, 4 * size), ofJoined = flat.t().mm(fed.reshape(steps * batch, inputs + size));
            Tensor?[] gradients = [pass.WantsInput ? ofFed.narrow(2, 0, inputs) : null, ofJoined.narrow(1, 0, inputs), ofJoined.narrow(1, inputs, size), flat.sum([0L]), product.narrow(1, beside, size), ofCell, null];
            foreach (Tensor tensor in saved)
                tensor.Dispose();
            return [.. gradients.Select(g => g?.MoveToOuterDisposeScope()!)];
        }
    }

    /// <param name="IsReversed">Whether time runs from the last step to the first.</param>
    /// <param name="WantsInput">Whether the input needs a gradient.</param>
    private sealed record Pass(bool IsReversed, bool WantsInput)
    {
        /// <summary>Whether gradients went back.</summary>
        public bool IsDone { get; set; }
    }
}
