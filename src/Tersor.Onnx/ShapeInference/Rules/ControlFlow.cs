namespace Tersor.Onnx.Inference.Rules;

/// <summary>Operators with bodies.</summary>
internal static class ControlFlow
{
    public static void If(NodeFacts n)
    {
        if (n.Node.Body("then_branch") is not { } then || n.Node.Body("else_branch") is not { } otherwise)
            return;
        n.Walk.Run(then);
        n.Walk.Run(otherwise);
        for (int i = 0; i < n.OutputCount; i++)
        {
            Fact yes = Output(n, then, i), no = Output(n, otherwise, i);
            n.Set(i, n.Known(0) switch { [0] => no, [_] => yes, _ => Join(yes, no) });
        }
    }

    public static void Loop(NodeFacts n)
    {
        if (n.Node.Body("body") is not { } body)
            return;
        int carried = n.InputCount - 2;
        Fact[] state = [.. Enumerable.Range(2, Math.Max(0, carried)).Select(i => new Fact(n.In(i).Type))];
        Settle(n, body, state, stateInputs: 2, stateOutputs: 1, () =>
        {
            Feed(n, body, 0, Fact.Tensor(ElementType.Int64, []));
            Feed(n, body, 1, Fact.Tensor(ElementType.Bool, []));
        });
        for (int i = 0; i < n.OutputCount; i++)
        {
            if (i < carried)
                n.Set(i, Join(state[i], new(n.In(i + 2).Type)));
            else if (Output(n, body, i + 1) is var step && step.Element != ElementType.Undefined)
                n.Set(i, step.Element, step.Shape is { } shape ? [Dims.Unknown, .. shape] : null);
        }
    }

    public static void Scan(NodeFacts n)
    {
        if (n.Node.Body("body") is not { } body || n.Int("num_scan_inputs") is not { } scanned || n.Version < 9)
            return;
        int states = n.InputCount - (int)scanned;
        long[]? axes = n.Ints("scan_input_axes"), outputAxes = n.Ints("scan_output_axes");
        Dimension steps = Dims.Unknown;
        Fact[] items = new Fact[scanned];
        for (int i = 0; i < scanned; i++)
        {
            Dimension[]? shape = n.Shape(states + i);
            if (shape is not null)
            {
                int axis = Dims.Axis(axes?[i] ?? 0, shape.Length);
                steps = steps.Size is null ? shape[axis] : steps;
                shape = [.. shape.Where((_, k) => k != axis)];
            }
            items[i] = Fact.Tensor(n.Element(states + i), shape);
        }
        Fact[] state = [.. Enumerable.Range(0, states).Select(i => new Fact(n.In(i).Type))];
        Settle(n, body, state, stateInputs: 0, stateOutputs: 0, () =>
        {
            for (int i = 0; i < scanned; i++)
                Feed(n, body, states + i, items[i]);
        });
        for (int i = 0; i < n.OutputCount; i++)
        {
            if (i < states)
            {
                n.Set(i, Join(state[i], new(n.In(i).Type)));
                continue;
            }
            Fact step = Output(n, body, i);
            Dimension[]? shape = step.Shape;
            if (shape is not null)
            {
                int axis = Dims.Axis(outputAxes?[i - states] ?? 0, shape.Length + 1);
                shape = [.. shape[..axis], steps, .. shape[axis..]];
            }
            n.Set(i, step.Element, shape);
        }
    }

    /// <summary>Walks the body until what comes out of its states is what went in: at most three times, each with less claimed.</summary>
    private static void Settle(NodeFacts n, Graph body, Fact[] state, int stateInputs, int stateOutputs, Action feedRest)
    {
        for (int round = n.Walk.Visits.IsSpent ? 2 : 0; ; round++)
        {
            if (round == 2)
            {
                for (int i = 0; i < state.Length; i++)
                    state[i] = state[i].Type is OnnxType.Tensor { ElementType: var element } ? new(new OnnxType.Tensor(element, null)) : state[i];
            }
            feedRest();
            for (int i = 0; i < state.Length; i++)
                Feed(n, body, stateInputs + i, state[i]);
            n.Walk.Run(body);
            bool settled = true;
            for (int i = 0; i < state.Length; i++)
            {
                Fact joined = Join(state[i], Output(n, body, stateOutputs + i));
                settled &= Equals(joined.Type, state[i].Type);
                state[i] = joined;
            }
            if (settled || round == 2)
                return;
        }
    }

    private static void Feed(NodeFacts n, Graph body, int input, Fact fact)
    {
        if (input < body.Inputs.Count)
            n.Walk.Set(body.Inputs[input], fact.Type is null ? new(body.Inputs[input].Type is OnnxType.Tensor declared ? new OnnxType.Tensor(declared.ElementType, null) : body.Inputs[input].Type) : fact);
    }

    private static Fact Output(NodeFacts n, Graph body, int index) => index < body.Outputs.Count ? n.Walk.Get(body.Outputs[index]) : default;

    private static Fact Join(Fact a, Fact b)
    {
        if (a.Type is not OnnxType.Tensor || b.Type is not OnnxType.Tensor)
            return Equals(a.Type, b.Type) ? new(a.Type) : default;
        return Fact.Tensor(a.Element == b.Element ? a.Element : ElementType.Undefined, Dims.Join(a.Shape, b.Shape), a.Content is not null && b.Content is not null ? Dims.Join(a.Content, b.Content) : null);
    }
}
