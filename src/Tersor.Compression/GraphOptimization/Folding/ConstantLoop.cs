using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Carries out a Loop whose inputs are constants, trip by trip, so that no trip can ask for more time or memory than is allowed: how often a body runs, and how large a value grows in it, shows only then.</summary>
/// <remarks>Loops and Ifs nested in it are carried out alike. All numbers are computed by the engine.</remarks>
/// <param name="known">What is known of values; gets those of the bodies, and the outputs of the Loop.</param>
/// <param name="runner">Runs the temporary models.</param>
/// <param name="most">Largest sum of results of a body, in bytes.</param>
/// <param name="cancellation">Stops it.</param>
internal sealed class ConstantLoop(KnownValues known, IModelRunner runner, long most, CancellationToken cancellation)
{
    /// <summary>Runs of the engine, and nodes of bodies, that all trips together may take.</summary>
    private const int MostRuns = 256, MostNodes = 20_000;

    private int runs, steps;

    /// <summary>Why a node with bodies cannot be carried out here, or null: what it reads, in bodies too, must be known, and every operator one that can be computed by itself.</summary>
    public static string? Obstacle(Node loop, KnownValues known)
    {
        Graph[] bodies = [.. loop.Bodies.SelectMany(b => b.WithNested())];
        HashSet<Graph> inside = new(bodies, ReferenceEqualityComparer.Instance as IEqualityComparer<Graph>);
        IEnumerable<Value> read = bodies.SelectMany(b => b.Nodes.SelectMany(n => n.Inputs).OfType<Value>().Concat(b.Outputs)).Where(v => !inside.Contains(v.Graph)).Concat(loop.Inputs.OfType<Value>());
        return read.FirstOrDefault(v => !known.Contains(v)) is { } unknown ? $"its body reads '{unknown.Name}', which is not constant"
            : bodies.SelectMany(b => b.Nodes).Append(loop).FirstOrDefault(n => n.Bodies.Any() && !n.Is("Loop", "If")) is { } other ? $"holds a {other.OpType}"
            : bodies.SelectMany(b => b.Nodes).Any(n => n.Attributes.Values.Any(a => a is NodeAttribute.Reference)) ? "depends on an attribute of the function's caller"
            : bodies.SelectMany(b => b.Nodes).Any(n => n.Graph.Model.FindFunction(n) is not null) ? "calls a function"
            : null;
    }

    /// <summary>Computes the outputs of a Loop.</summary>
    /// <returns>Why that cannot be done; null where it was.</returns>
    public string? Run(Node loop)
    {
        if (loop.Body("body") is not { } body || body.Inputs.Count < 2 || body.Inputs.Count != Math.Max(2, loop.Inputs.Count) || body.Outputs.Count < body.Inputs.Count - 1)
            return "its body does not fit it";
        int carried = body.Inputs.Count - 2;
        long? trips = loop.Input(0) is { } limit ? known.Tensor(limit) is { Length: 1 } count ? count.ToInt64s()[0] : 0 : null;
        bool goesOn = loop.Input(1) is not { } condition || IsTrue(condition);
        for (int i = 0; i < carried; i++)
        {
            if (loop.Inputs[i + 2] is not { } start || !known.Copy(start, body.Inputs[i + 2]))
                return "a value that it starts with is missing";
        }
        List<Tensor>[] scanned = [.. Enumerable.Range(carried + 1, body.Outputs.Count - carried - 1).Select(_ => new List<Tensor>())];
        for (long trip = 0; goesOn && (trips is null || trip < trips); trip++)
        {
            known.Set(body.Inputs[0], Tensor.Create(Counted(body.Inputs[0]), [trip]));
            known.Set(body.Inputs[1], Tensor.Create(Counted(body.Inputs[1]), [true]));
            if (Run(body) is { } reason)
                return reason;
            for (int i = 0; i < scanned.Length; i++)
            {
                if (known.Tensor(body.Outputs[carried + 1 + i]) is not { } step)
                    return "it collects what is no tensor";
                scanned[i].Add(step);
            }
            goesOn = IsTrue(body.Outputs[0]);
            if (!Carry(body, carried))
                return "a value that it carries is not known";
        }
        for (int i = 0; i < loop.Outputs.Count; i++)
        {
            if (loop.Outputs[i] is not { IsUnused: false } output)
                continue;
            if (i < carried)
                known.Copy(body.Inputs[i + 2], output);
            else if (i - carried < scanned.Length && Stacked(scanned[i - carried]) is { } all)
                known.Set(output, all);
            else
                return "what it collects has no common shape";
        }
        return null;
    }

    /// <summary>Nodes in order: as many at once as can be bounded before anything is computed.</summary>
    private string? Run(Graph graph)
    {
        List<Node> pending = [];
        Dictionary<Value, double> bounds = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        double bytes = 0;
        foreach (Node node in graph.Nodes.Where(n => !n.Is("Constant")))
        {
            cancellation.ThrowIfCancellationRequested();
            if (++steps > MostNodes)
                return $"takes more than {MostNodes} steps";
            if (node.Bodies.Any())
            {
                if ((Flush() ?? (node.Is("Loop") ? Run(node) : Branch(node))) is { } inner)
                    return inner;
                continue;
            }
            if (Bound(node) is not { } bound)
            {
                if (Flush() is { } failure)
                    return failure;
                if (Bound(node) is not { } later)
                    return $"the size of what {node} gives is not known";
                bound = later;
            }
            bytes += 8 * bound;
            if (bytes > most)
                return $"its results may take {bytes:0} bytes";
            pending.Add(node);
            foreach (Value output in node.Outputs.OfType<Value>())
                bounds[output] = bound;
        }
        return Flush();

        double? Bound(Node node) => BrokenRules.Guard(() => ResultSize.Bound(node, v => bounds.TryGetValue(v, out double pendingBound) ? pendingBound : known.Length(v), null, v => bounds.ContainsKey(v) ? null : known.Tensor(v)), null);

        string? Flush()
        {
            if (pending.Count == 0)
                return null;
            string? reason = ++runs > MostRuns ? $"takes the engine more than {MostRuns} runs" : ConstantRegion.TryRun(pending, known, runner, inBody: true) is { } refusal ? $"the engine cannot compute it: {refusal}" : null;
            pending.Clear();
            bounds.Clear();
            return reason;
        }
    }

    private string? Branch(Node node)
    {
        if (node.Input(0) is not { } condition || node.Body(IsTrue(condition) ? "then_branch" : "else_branch") is not { } branch || branch.Outputs.Count < node.Outputs.Count)
            return "a branch is missing";
        return Run(branch) ?? (node.Outputs.Where((o, i) => o is not null && !known.Copy(branch.Outputs[i], o)).Any() ? "what a branch gives is not known" : null);
    }

    private bool Carry(Graph body, int carried)
    {
        // One value may be given out for two: all are read before any is set.
        KnownValues next = new();
        bool all = Enumerable.Range(0, carried).All(i => known.Contains(body.Outputs[i + 1]) && next.Take(known, body.Outputs[i + 1], body.Inputs[i + 2]));
        return all && Enumerable.Range(0, carried).All(i => known.Take(next, body.Inputs[i + 2], body.Inputs[i + 2]));
    }

    private bool IsTrue(Value condition) => known.Tensor(condition) is { Length: 1 } tensor && tensor.ToInt64s()[0] != 0;

    /// <summary>The shape of a trip's number and condition: a scalar, or one element where the body says so.</summary>
    private static long[] Counted(Value input) => input.Type?.AsTensor?.Shape is [_] ? [1] : [];

    private static Tensor? Stacked(List<Tensor> steps)
    {
        if (steps.Count == 0 || steps[0].Type is ElementType.String || steps.Any(s => s.Type != steps[0].Type || !s.Shape.AsSpan().SequenceEqual(steps[0].Shape.AsSpan())) || steps[0].ByteLength < steps[0].Length)
            return null;
        return Tensor.FromBytes(steps[0].Type, [steps.Count, .. steps[0].Shape], steps.SelectMany(s => s.Bytes.ToArray()).ToArray());
    }
}
