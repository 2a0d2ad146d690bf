using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Nodes of one graph that depend on constants alone, computed by the engine itself: in one model, or one model a node where that one fails.</summary>
internal static class ConstantRegion
{
    private static readonly SessionSettings Plain = new() { Optimization = EngineOptimization.None };

    /// <summary>Computes all outputs of the nodes, which stand in order.</summary>
    /// <param name="nodes">Nodes whose inputs are constants or outputs of earlier ones.</param>
    /// <param name="runner">Runs the temporary models.</param>
    /// <param name="failures">Gets the nodes the engine refused, with its words.</param>
    public static Dictionary<Value, Tensor> Compute(IReadOnlyList<Node> nodes, IModelRunner runner, List<(Node Node, string Reason)> failures)
    {
        Dictionary<Value, Tensor> results = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        if (nodes.Count == 0 || TryRun(nodes, results, runner) is null)
            return results;
        results.Clear();
        foreach (Node node in nodes)
        {
            if (node.Inputs.All(i => i is null || i.Constant is not null || results.ContainsKey(i)))
            {
                if (TryRun([node], results, runner) is { } reason)
                    failures.Add((node, reason));
            }
        }
        return results;
    }

    private static string? TryRun(IReadOnlyList<Node> nodes, Dictionary<Value, Tensor> results, IModelRunner runner)
    {
        Graph source = nodes[0].Graph;
        Model model = new(source.OpsetVersion(""), Math.Max(source.Model.IrVersion, 8));
        foreach ((string domain, long version) in source.Function?.OpsetImports ?? source.Model.OpsetImports)
            model.OpsetImports[domain] = version;
        Dictionary<Value, Value> copies = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
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
            IReadOnlyDictionary<string, RuntimeValue> computed = runner.Run(model, [new Dictionary<string, RuntimeValue>()], Plain)[0];
            foreach (Value output in outputs)
            {
                if (computed[copies[output].Name] is RuntimeValue.Dense dense) // a sequence cannot be stored
                    results[output] = dense.Tensor;
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
            if (copies.TryGetValue(value, out Value? known))
                return known;
            Tensor tensor = results.GetValueOrDefault(value) ?? value.Constant ?? throw new System.Diagnostics.UnreachableException($"'{value.Name}' is not constant.");
            return copies[value] = model.Graph.AddInitializer(value.Name, tensor);
        }
    }
}
