using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Which nodes of a model each node of the engine's rewritten model stands for.</summary>
/// <remarks>Fusion keeps the names of the values between fused nodes: what lies between a rewritten node's outputs and its inputs in the original is what it replaces.</remarks>
internal sealed class FusedNodes
{
    private readonly ILookup<string, Value> originals;
    private readonly Dictionary<(string Name, string OpType), Node> rewritten = [];
    private readonly HashSet<string> rewrittenValues;

    public FusedNodes(Model original, Model rewritten)
    {
        originals = original.AllNodes().SelectMany(n => n.Outputs).OfType<Value>().ToLookup(v => v.Name);
        rewrittenValues = [.. rewritten.AllNodes().SelectMany(n => n.Inputs.Concat(n.Outputs)).OfType<Value>().Select(v => v.Name)];
        foreach (Node node in rewritten.AllNodes())
            this.rewritten.TryAdd((node.Name, node.OpType), node);
    }

    public IReadOnlyList<Node> Sources(string name, string opType)
    {
        if (!rewritten.TryGetValue((name, opType), out Node? node))
            return [];
        HashSet<Node> found = [];
        Stack<Value> pending = new(node.Outputs.OfType<Value>().SelectMany(o => originals[o.Name]));
        while (pending.TryPop(out Value? value))
        {
            if (value.Producer is not { } producer || producer.Is("Constant") || !found.Add(producer))
                continue;
            foreach (Value input in producer.Inputs.OfType<Value>())
            {
                // A value that still exists after the rewriting is made by another node, not by this one.
                if (!rewrittenValues.Contains(input.Name) && input.Constant is null)
                    pending.Push(input);
            }
        }
        return [.. found.Reverse()];
    }
}
