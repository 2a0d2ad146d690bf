using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Keeps what nodes read until all of a node's inputs are there, hands them over and forgets them.</summary>
/// <param name="nodes">Whose inputs are wanted.</param>
/// <param name="complete">Takes a node and its inputs.</param>
internal sealed class InputCollector(IReadOnlyCollection<IsolatedNode> nodes, Action<IsolatedNode, IReadOnlyDictionary<Value, Tensor>> complete) : ValueObserver
{
    private readonly ILookup<Value, IsolatedNode> readers = nodes.SelectMany(n => n.Inputs.Select(i => (Input: i, Node: n))).ToLookup(p => p.Input, p => p.Node);
    private readonly Dictionary<IsolatedNode, Dictionary<Value, Tensor>> waiting = [];
    private readonly HashSet<IsolatedNode> done = [];

    public override IReadOnlyCollection<Value> Values { get; } = [.. nodes.SelectMany(n => n.Inputs).Distinct()];

    public override void Collect(Value value, ObservedTensor tensor)
    {
        Tensor? copy = null;
        foreach (IsolatedNode node in readers[value].Where(n => !done.Contains(n)))
        {
            if (!waiting.TryGetValue(node, out Dictionary<Value, Tensor>? known))
                waiting[node] = known = [];
            known[value] = copy ??= tensor.ToTensor();
            if (known.Count < node.Inputs.Count)
                continue;
            complete(node, known);
            waiting.Remove(node);
            done.Add(node);
        }
    }
}
