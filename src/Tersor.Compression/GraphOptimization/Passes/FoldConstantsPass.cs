using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Computes once what depends on constants alone, shape arithmetic and Loops included, and takes the branch of an If whose condition is constant.</summary>
/// <remarks>ONNX Runtime computes the values, so they are what it would have computed at run time. Results that would make the file larger stay computed.</remarks>
public sealed class FoldConstantsPass(FoldConstantsOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "fold-constants";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        InferredTypes inferred = ShapeInference.Infer(model);
        double budget = options.Growth * model.AllGraphs().SelectMany(g => g.Initializers).Sum(v => (double)(v.Tensor?.ByteLength ?? 0)) + 1024;
        Determinism determinism = new();
        HashSet<Value> read = [.. model.AllGraphs().SelectMany(g => g.Initializers).Where(v => !v.IsUnused)];
        foreach (Graph graph in model.AllGraphs().ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (!IsAttached(graph))
                continue;
            FoldShapes(graph, types, inferred, report);
            FoldRegion(graph, types, determinism, context, report, ref budget);
            InlineBranches(graph, report);
        }
        // What only the folded nodes read goes with them: before IR version 4 the engine refuses an initializer that nothing reads.
        foreach (Value value in model.AllGraphs().SelectMany(g => g.Initializers).Where(v => v.IsUnused && !v.IsGraphInput && read.Contains(v)).ToArray())
            value.Graph.RemoveInitializer(value);
        return report;
    }

    private static bool IsAttached(Graph graph) => graph.Owner is null || (graph.Owner.IsInGraph && IsAttached(graph.Owner.Graph));

    private static void FoldShapes(Graph graph, TypeFacts types, InferredTypes inferred, PassReport report)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Output(0) is not { IsUnused: false, Constant: null } output || BrokenRules.Guard(() => ShapeFolding.Result(node, types) ?? ShapeFolding.Known(output, inferred), null) is not { } result)
                continue;
            if (output.IsGraphOutput)
                report.Skip(node.ToString(), "constant, but its graph gives it out");
            else
                Replace(node, output, result, $"always [{string.Join(',', result.ToInt64s())}]", report);
        }
    }

    private void FoldRegion(Graph graph, TypeFacts types, Determinism determinism, PassContext context, PassReport report, ref double budget)
    {
        Dictionary<Value, double> bounds = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        List<Node> region = [], pending = [];
        List<(Node Node, string Reason)> failures = [];
        KnownValues known = new();
        foreach (Node node in graph.Nodes)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (node.Is("Constant") || node.Outputs.Count == 0 || node.Outputs.All(o => o is null or { IsUnused: true }) || !node.Inputs.All(i => i is null || i.Constant is not null || bounds.ContainsKey(i)))
                continue;
            double? bound = node.Bodies.Any() ? 0 : BrokenRules.Guard(() => ResultSize.Bound(node, v => v.Constant is { } constant ? constant.Length : bounds.TryGetValue(v, out double known) ? known : null, types), null);
            string? reason = determinism.Doubt(node)
                ?? (node.Attributes.Values.Any(a => a is NodeAttribute.Reference) ? "depends on an attribute of the function's caller" : null)
                ?? (node.Graph.Model.FindFunction(node) is not null ? "calls a function" : null)
                ?? (node.Bodies.Any() ? Loop(node) : null)
                ?? (bound is null ? "the size of its result is not known yet" : null)
                ?? (bound * 8 > options.MaxResultBytes ? $"its result may take {bound * 8:0} bytes" : null);
            if (reason is null && node.Bodies.Any())
                region.Add(node);
            else if (reason is null)
                Take(node, bound!.Value);
            else if (!node.Is("If"))
                report.Skip(node.ToString(), reason);
        }
        Compute();
        foreach ((Node node, string reason) in failures)
            report.Skip(node.ToString(), $"the engine cannot compute it: {reason}");
        foreach ((Node node, string what, Value output, Tensor tensor) in new SizeRule(options).Choose(region, known.Tensors, ref budget, report))
            Replace(node, output, tensor, what, report);

        void Compute()
        {
            ConstantRegion.Compute(pending, known, context.Runner, failures);
            pending.Clear();
        }

        // Carried out at once: what it is given must be known by then.
        string? Loop(Node node)
        {
            if (!node.Is("Loop"))
                return "has a body";
            Compute();
            if ((ConstantLoop.Obstacle(node, known) ?? new ConstantLoop(known, context.Runner, options.MaxResultBytes, context.Cancellation).Run(node)) is { } reason)
                return reason;
            foreach (Value output in node.Outputs.OfType<Value>().Where(known.Contains))
                bounds[output] = known.Length(output)!.Value;
            return null;
        }

        void Take(Node node, double bound)
        {
            region.Add(node);
            pending.Add(node);
            foreach (Value? output in node.Outputs)
            {
                if (output is not null)
                    bounds[output] = bound;
            }
        }
    }

    private static void Replace(Node node, Value output, Tensor tensor, string what, PassReport report)
    {
        report.Changed(node.ToString(), what);
        IReadOnlyList<Constraint> constraints = ConstraintFlow.Behind(output);
        Value constant = Constants.Add(node, output.Name, tensor);
        foreach (Constraint constraint in constraints)
            constant.Constraints.Add(constraint);
        output.ReplaceAllUsesWith(constant);
        Rewire.RemoveChain(node);
    }

    private static void InlineBranches(Graph graph, PassReport report)
    {
        foreach (Node node in graph.Nodes.Where(n => n.Is("If")))
        {
            if (node.Input(0)?.Constant is not { Type: ElementType.Bool, Length: 1 } condition)
                continue;
            bool taken = condition.ToInt64s()[0] != 0;
            Graph? branch = node.Body(taken ? "then_branch" : "else_branch");
            if (branch is null || branch.Inputs.Count > 0 || branch.Outputs.Count != node.Outputs.Count || (graph.Function is not null && branch.Initializers.Count > 0))
            {
                report.Skip(node.ToString(), "its condition is constant, but the branch cannot stand here");
                continue;
            }
            report.Changed(node.ToString(), $"always takes its {(taken ? "then" : "else")} branch");
            IReadOnlyList<Value> values = graph.CopyIn(branch, node);
            for (int i = 0; i < values.Count; i++)
            {
                if (node.Outputs[i] is { } output)
                    output.ReplaceAllUsesWith(values[i]);
            }
            node.Remove();
        }
    }
}
