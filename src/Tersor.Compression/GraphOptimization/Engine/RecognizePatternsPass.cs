using Tersor.Onnx;
using Tersor.Onnx.Opsets;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Operators that were written out in small nodes become operators again: HardSwish, HardSigmoid, LayerNormalization, Sigmoid, Gelu. Engines have kernels for them, and later passes rules.</summary>
public sealed class RecognizePatternsPass(RecognizePatternsOptions options) : Pass
{
    private delegate IEnumerable<PatternMatch> Pattern(Node root, TypeFacts types);

    private static readonly Pattern[] Patterns =
        [LayerNormalizationPattern.LayerNormalization, HardPatterns.HardSwish, GeluPattern.Gelu, SigmoidPatterns.Sigmoid, HardPatterns.HardSigmoid];

    /// <inheritdoc/>
    public override string Name => "recognize-patterns";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        HashSet<Node> explained = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        if (NeededOpset(model, types) is { } opset && opset > model.Opset && OpsetRaiser.TryRaise(model, opset))
            report.Changed(model.Graph.Name, $"raised to operator set {opset}");
        foreach (Graph graph in model.AllGraphs())
        {
            // From the end: what belongs to a larger pattern must not be taken for a smaller one.
            foreach (Node node in graph.Nodes.Reverse().ToArray())
            {
                context.Cancellation.ThrowIfCancellationRequested();
                if (node.IsInGraph)
                    Recognize(node, types, report, explained);
            }
        }
        foreach (Node node in model.AllNodes().Where(n => !explained.Contains(n)))
        {
            if (Remains(node, types) is { } reason)
                report.Skip(node.ToString(), reason);
        }
        return report;
    }

    private static void Recognize(Node node, TypeFacts types, PassReport report, HashSet<Node> explained)
    {
        string? first = null;
        foreach (PatternMatch match in Matches(node, types))
        {
            string? reason = match.Obstacle(types) ?? (node.OpsetVersion < match.Opset ? $"is a {match.What}, an operator from operator set {match.Opset} on" : null);
            if (reason is null)
            {
                match.Apply(report);
                return;
            }
            first ??= reason;
            explained.UnionWith(match.Nodes ?? []);
        }
        if (first is not null)
            report.Skip(node.ToString(), first);
    }

    private static IEnumerable<PatternMatch> Matches(Node node, TypeFacts types) =>
        node.IsStandard && node.Outputs.Count == 1 && node.Outputs[0] is { IsUnused: false } ? Patterns.SelectMany(p => p(node, types)).Where(m => m.IsGain) : [];

    /// <summary>The operator set that everything recognized and allowed needs.</summary>
    private long? NeededOpset(Model model, TypeFacts types) => model.AllNodes().SelectMany(n => Matches(n, types))
        .Where(m => m.Opset <= Math.Min(options.MaxOpset, OpsetRaiser.Newest) && m.Opset > m.Root.OpsetVersion && m.Obstacle(types) is null).Max(m => (long?)m.Opset);

    /// <summary>Why a node that usually stands inside a pattern is in none; null for any other node.</summary>
    private static string? Remains(Node node, TypeFacts types) => node.OpType switch
    {
        "Erf" when node.IsStandard => "not inside a Gelu",
        "Exp" when node.IsStandard && node.Input(0)?.Producer is { } producer && Scalars.Line(producer, types) is { A: < 0 } => "not inside a Sigmoid",
        "Clip" or "Min" or "Max" when Scalars.Bounds(node, types) is { } bounds && bounds.Input.Producer is { } line && Scalars.Line(line, types) is not null => "not inside a HardSwish or HardSigmoid",
        "Sqrt" when node.IsStandard && node.Input(0)?.Producer is { } sum && sum.Is("Add") && sum.Inputs.Any(i => i?.Producer?.Is("ReduceMean") == true) => "not inside a LayerNormalization of known size over the last dimensions",
        _ => null,
    };
}
