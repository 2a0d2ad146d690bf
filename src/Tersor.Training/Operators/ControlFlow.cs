using Tersor.Onnx;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Nodes with bodies. What a body gives belongs to the node; gradients flow through all its runs.</summary>
internal static class ControlFlow
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("If", 1, If),
        new("Loop", 1, Loop),
        new("Scan", 8, ScanBatches),
        new("Scan", 9, Scan),
    ];

    /// <summary>A value of its own that shares memory with another one.</summary>
    internal static object? Alias(object? value) => value switch
    {
        Tensor tensor => tensor.alias(),
        TensorSequence sequence => sequence.Alias(),
        _ => null,
    };

    private static OperatorResult If(OperatorCall call)
    {
        string branch = call.Longs(0)[0] != 0 ? "then_branch" : "else_branch";
        return OperatorResult.Of(call.Run.RunBody(Body(call, branch), []));
    }

    private static OperatorResult Loop(OperatorCall call)
    {
        Graph body = Body(call, "body");
        long most = call.OptionalLongs(0)?[0] ?? long.MaxValue;
        bool going = call.OptionalLongs(1) is not { } given || given[0] != 0;
        object?[] carried = [.. call.Inputs.Skip(2).Select(Alias)];
        List<Tensor>[] collected = Lists(body.Outputs.Count - 1 - carried.Length);
        for (long i = 0; i < most && going; i++)
        {
            using Tensor iteration = tensor(i), condition = ones([], ScalarType.Bool);
            object?[] outputs = call.Run.RunBody(body, [iteration, condition, .. carried]);
            using (Tensor next = (Tensor)outputs[0]!)
                going = TorchTensors.ToLongs(next)[0] != 0;
            Keep(outputs.AsSpan(1), carried, collected);
        }
        return OperatorResult.Of([.. carried, .. collected.Select((list, i) => Stacked(call, list, body.Outputs[1 + carried.Length + i], 0))]);
    }

    private static OperatorResult Scan(OperatorCall call)
    {
        Graph body = Body(call, "body");
        int scanned = (int)call.Node.Int("num_scan_inputs", 0), states = call.Count - scanned, outputs = body.Outputs.Count - states;
        long[] axes = call.Node.Ints("scan_input_axes") ?? new long[scanned], directions = call.Node.Ints("scan_input_directions") ?? new long[scanned];
        long[] outputAxes = call.Node.Ints("scan_output_axes") ?? new long[outputs], outputDirections = call.Node.Ints("scan_output_directions") ?? new long[outputs];
        Tensor[][] slices = [.. Enumerable.Range(0, scanned).Select(i => Slices(call[states + i], call.Axis(axes[i], call[states + i].ndim), directions[i] != 0))];
        object?[] state = [.. call.Inputs.Take(states).Select(Alias)];
        List<Tensor>[] collected = Lists(outputs);
        Run(call, body, slices, slices[0].Length, state, collected);
        for (int i = 0; i < outputs; i++)
        {
            if (outputDirections[i] != 0)
                collected[i].Reverse();
        }
        return OperatorResult.Of([.. state, .. collected.Select((list, i) => Stacked(call, list, body.Outputs[states + i], outputAxes[i]))]);
    }

    /// <summary>Scan-8: the first axis of everything is the batch, the second of what is scanned the sequence.</summary>
    private static OperatorResult ScanBatches(OperatorCall call)
    {
        Graph body = Body(call, "body");
        int scanned = (int)call.Node.Int("num_scan_inputs", 0), states = call.Count - 1 - scanned, outputs = body.Outputs.Count - states;
        long[] directions = call.Node.Ints("directions") ?? new long[scanned], shape = call[1 + states].shape;
        long[]? lengths = call.OptionalLongs(0);
        List<Tensor>[] ends = Lists(states), all = Lists(outputs);
        for (int batch = 0; batch < shape[0]; batch++)
        {
            int length = (int)(lengths?[batch] ?? shape[1]);
            Tensor[][] slices = [.. Enumerable.Range(0, scanned).Select(i =>
            {
                using Tensor one = call[1 + states + i].select(0, batch), used = one.narrow(0, 0, length);
                return Slices(used, 0, directions[i] != 0);
            })];
            object?[] state = [.. Enumerable.Range(0, states).Select(i => call[1 + i].select(0, batch))];
            List<Tensor>[] collected = Lists(outputs);
            Run(call, body, slices, length, state, collected);
            for (int i = 0; i < states; i++)
                ends[i].Add((Tensor)state[i]!);
            for (int i = 0; i < outputs; i++)
            {
                using Tensor stacked = Stacked(call, collected[i], body.Outputs[states + i], 0);
                all[i].Add(nn.functional.pad(stacked, [.. new long[2 * (stacked.ndim - 1)], 0, shape[1] - length]));
            }
        }
        return OperatorResult.Of([.. ends.Select((list, i) => Stacked(call, list, body.Outputs[i], 0)), .. all.Select((list, i) => Stacked(call, list, body.Outputs[states + i], 0))]);
    }

    private static Graph Body(OperatorCall call, string name) => call.Node.Body(name) ?? throw call.Bad($"has no {name}");

    private static List<Tensor>[] Lists(int count) => [.. Enumerable.Range(0, count).Select(_ => new List<Tensor>())];

    private static Tensor[] Slices(Tensor x, long axis, bool backwards)
    {
        Tensor[] slices = x.unbind(axis);
        if (backwards)
            Array.Reverse(slices);
        return slices;
    }

    private static void Run(OperatorCall call, Graph body, Tensor[][] slices, int length, object?[] state, List<Tensor>[] collected)
    {
        for (int t = 0; t < length; t++)
        {
            Keep(call.Run.RunBody(body, [.. state, .. slices.Select(s => s[t])]), state, collected);
            foreach (Tensor[] slice in slices)
                slice[t].Dispose();
        }
    }

    /// <summary>The outputs of one run of a body: states in place of those before, and elements of what is collected.</summary>
    private static void Keep(ReadOnlySpan<object?> outputs, object?[] state, List<Tensor>[] collected)
    {
        for (int i = 0; i < state.Length; i++)
        {
            (state[i] as IDisposable)?.Dispose();
            state[i] = outputs[i];
        }
        for (int i = 0; i < collected.Length; i++)
            collected[i].Add((Tensor)outputs[state.Length + i]!);
    }

    private static Tensor Stacked(OperatorCall call, List<Tensor> items, Value output, long axis)
    {
        if (items.Count == 0)
        {
            if (output.Type is not OnnxType.Tensor type)
                throw call.Unsupported($"the output '{output.Name}' of unknown type of a body that never ran");
            return zeros([0, .. type.Shape?.Select(d => d.Size ?? 0) ?? []], call.Carrier(type.ElementType));
        }
        Tensor stacked = stack(items, axis);
        foreach (Tensor item in items)
            item.Dispose();
        return stacked;
    }
}
