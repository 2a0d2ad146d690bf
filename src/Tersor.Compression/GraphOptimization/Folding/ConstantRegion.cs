using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Nodes of one graph that depend on constants alone, computed by the engine itself: in one model, or one model a node where that one fails.</summary>
internal static class ConstantRegion
{
    private static readonly SessionSettings Plain = new() { Optimization = EngineOptimization.None };

    /// <summary>Computes all outputs of the nodes, which stand in order.</summary>
    /// <param name="nodes">Nodes whose inputs are constants, known, or outputs of earlier ones.</param>
    /// <param name="known">What is known of values; gets the outputs.</param>
    /// <param name="runner">Runs the temporary models.</param>
    /// <param name="failures">Gets the nodes the engine refused, with its words.</param>
    public static void Compute(IReadOnlyList<Node> nodes, KnownValues known, IModelRunner runner, List<(Node Node, string Reason)> failures)
    {
        if (nodes.Count == 0)
            return;
        // What the engine refused before is read by others that need not be refused, too.
        HashSet<Value> made = new(nodes.SelectMany(n => n.Outputs).OfType<Value>(), ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        if (nodes.SelectMany(n => n.Inputs).All(i => i is null || made.Contains(i) || known.Contains(i)) && TryRun(nodes, known, runner) is null)
            return;
        foreach (Node node in nodes)
        {
            if (node.Inputs.All(i => i is null || known.Contains(i)) && TryRun([node], known, runner) is { } reason)
                failures.Add((node, reason));
        }
    }

    /// <summary>Computes all outputs of the nodes in one model.</summary>
    /// <param name="nodes">As in <see cref="Compute"/>.</param>
    /// <param name="known">What is known of values; gets the outputs.</param>
    /// <param name="runner">Runs the temporary model.</param>
    /// <param name="inBody">Whether they stand in a body, where the engine sees no shape of what is computed: it takes one element for a scalar when it runs them, and refuses that of a constant.</param>
    /// <returns>Why the engine refused; null where it did not.</returns>
    public static string? TryRun(IReadOnlyList<Node> nodes, KnownValues known, IModelRunner runner, bool inBody = false)
    {
        Graph source = nodes[0].Graph;
        Model model = new(source.OpsetVersion(""), Math.Max(source.Model.IrVersion, 8));
        foreach ((string domain, long version) in source.Function?.OpsetImports ?? source.Model.OpsetImports)
            model.OpsetImports[domain] = version;
        Dictionary<Value, Value> copies = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        Dictionary<string, RuntimeValue> fed = [];
        List<Value> outputs = [];
        foreach (Node node in nodes)
        {
            Value?[] inputs = [.. node.Inputs.Select(Copy)];
            Node copy = model.Graph.AddNode(node.OpType, inputs, [.. node.Outputs.Select(o => o?.Name ?? "")], node.Attributes, node.Domain);
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                if (node.Outputs[i] is not { } output)
                    continue;
                copies[output] = copy.Outputs[i]!;
                model.Graph.AddOutput(copy.Outputs[i]!);
                outputs.Add(output);
            }
        }
        try
        {
            IReadOnlyDictionary<string, RuntimeValue> computed = runner.Run(model, [fed], Plain)[0];
            foreach (Value output in outputs)
            {
                known.Set(output, computed[copies[output].Name]);
            }
            return null;
        }
        catch (RuntimeException e)
        {
            return e.Message;
        }

        Value? Copy(Value? value)
        {
            if (value is null)
                return null;
            if (copies.TryGetValue(value, out Value? made))
                return made;
            if (known.Sequence(value) is { } sequence)
            {
                Value?[] elements = [.. sequence.Elements.Select(e => Given(value, e))];
                Node node = elements.Length > 0 ? model.Graph.AddNode("SequenceConstruct", elements, [value.Name])
                    : model.Graph.AddNode("SequenceEmpty", [], [value.Name], [new("dtype", (long)sequence.Type)]);
                return copies[value] = node.Outputs[0]!;
            }
            Tensor tensor = known.Tensor(value) ?? throw new System.Diagnostics.UnreachableException($"'{value.Name}' is not constant.");
            return copies[value] = Given(value, tensor);
        }

        Value Given(Value value, Tensor tensor)
        {
            if (!inBody || value.Constant is not null)
                return model.Graph.AddInitializer(value.Name, tensor);
            Value input = model.Graph.AddInput(value.Name, new OnnxType.Tensor(tensor.Type, null));
            fed[input.Name] = tensor;
            return input;
        }
    }
}
