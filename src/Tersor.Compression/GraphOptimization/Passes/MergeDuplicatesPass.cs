using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Equal initializers become one, and so do nodes that compute the same from the same inputs. From a body, only outward: what a body computes may never run.</summary>
public sealed class MergeDuplicatesPass : Pass
{
    /// <inheritdoc/>
    public override string Name => "merge-duplicates";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (Graph graph in model.Functions.Select(f => f.Body).Prepend(model.Graph))
            Walk(graph, null, report, context.Cancellation);
        return report;
    }

    private static void Walk(Graph graph, Scope? outer, PassReport report, CancellationToken cancellation)
    {
        Scope scope = new(outer);
        foreach (Value value in graph.Initializers.Where(v => v.Tensor is not null && !v.IsGraphInput).ToArray())
        {
            cancellation.ThrowIfCancellationRequested();
            MergeInitializer(value, scope, report);
        }
        foreach (Node node in graph.Nodes)
        {
            if (node.Bodies.Any())
            {
                foreach (Graph body in node.Bodies.ToArray())
                    Walk(body, scope, report, cancellation);
            }
            else
            {
                MergeNode(node, scope, report);
            }
        }
    }

    private static void MergeInitializer(Value value, Scope scope, PassReport report)
    {
        ulong hash = value.Tensor!.ContentHash();
        if (scope.Find(hash, v => v.Tensor!.ContentEquals(value.Tensor!)) is not { } same)
        {
            scope.Add(hash, value);
            return;
        }
        string? reason = !same.Constraints.SequenceEqual(value.Constraints) ? $"equals '{same.Name}', but has other constraints" : Rewire.Obstacle(value, same);
        if (reason is not null)
        {
            report.Skip(value.Name, reason);
            return;
        }
        string name = value.Name;
        value.ReplaceAllUsesWith(same);
        value.Graph.RemoveInitializer(value);
        report.Changed(name, $"equals '{same.Name}'; merged");
    }

    private static void MergeNode(Node node, Scope scope, PassReport report)
    {
        HashCode hash = new();
        hash.Add(node.OpType);
        foreach (Value? input in node.Inputs)
            hash.Add(input is null ? 0 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(input));
        int key = hash.ToHashCode();
        if (scope.Find(key, n => Same(n, node)) is not { } same)
        {
            scope.Add(key, node);
            return;
        }
        string? reason = scope.Determinism.Doubt(node) is { } doubt ? $"computes what {same} does, but is {doubt}" : null;
        for (int i = 0; i < node.Outputs.Count; i++)
            reason ??= node.Outputs[i] is { } output ? Rewire.Obstacle(output, same.Outputs[i]!) : null;
        if (reason is not null)
        {
            report.Skip(node.ToString(), reason);
            return;
        }
        string name = node.ToString();
        for (int i = 0; i < node.Outputs.Count; i++)
            node.Outputs[i]?.ReplaceAllUsesWith(same.Outputs[i]!);
        node.Remove();
        report.Changed(name, $"computes what {same} does; merged");
    }

    private static bool Same(Node a, Node b) => a.OpType == b.OpType && a.Domain == b.Domain && a.Overload == b.Overload
        && a.Inputs.SequenceEqual(b.Inputs, ReferenceEqualityComparer.Instance)
        && a.Outputs.Count == b.Outputs.Count && a.Outputs.Zip(b.Outputs).All(p => p.Second is null || p.First is not null)
        && AttributeEquality.Same(a, b);

    /// <summary>What was seen in a graph and in those around it, up to here.</summary>
    private sealed class Scope(Scope? outer)
    {
        private readonly Dictionary<ulong, List<Value>> initializers = [];
        private readonly Dictionary<int, List<Node>> nodes = [];

        public Determinism Determinism { get; } = outer?.Determinism ?? new();

        public void Add(ulong hash, Value value) => (initializers.TryGetValue(hash, out List<Value>? list) ? list : initializers[hash] = []).Add(value);

        public void Add(int hash, Node node) => (nodes.TryGetValue(hash, out List<Node>? list) ? list : nodes[hash] = []).Add(node);

        public Value? Find(ulong hash, Predicate<Value> same) => initializers.GetValueOrDefault(hash)?.Find(same) ?? outer?.Find(hash, same);

        public Node? Find(int hash, Predicate<Node> same) => nodes.GetValueOrDefault(hash)?.Find(same) ?? outer?.Find(hash, same);
    }
}
