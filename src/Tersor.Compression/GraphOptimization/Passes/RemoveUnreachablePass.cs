using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Removes what no output depends on: nodes, initializers, optional outputs, functions nobody calls. Graph inputs always stay.</summary>
public sealed class RemoveUnreachablePass : Pass
{
    /// <summary>Operators whose outputs may be left out where nothing reads them, and the first such output.</summary>
    private static readonly Dictionary<string, int> OptionalOutputs = new(StringComparer.Ordinal)
    {
        ["MaxPool"] = 1,
        ["Dropout"] = 1,
        ["BatchNormalization"] = 1,
        ["LayerNormalization"] = 1,
        ["LSTM"] = 0,
        ["GRU"] = 0,
        ["RNN"] = 0,
    };

    /// <inheritdoc/>
    public override string Name => "remove-unreachable";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        RemoveFunctions(model, report);
        bool again = true;
        while (again)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            again = false;
            foreach (Graph graph in model.AllGraphs().ToArray())
                again |= RemoveNodes(graph, report);
        }
        foreach (Graph graph in model.AllGraphs())
        {
            foreach (Value value in graph.Initializers.Where(v => v.IsUnused).ToArray())
            {
                if (value.IsGraphInput)
                {
                    report.Skip(value.Name, "a graph input too");
                    continue;
                }
                graph.RemoveInitializer(value);
                report.Changed(value.Name, "unused initializer removed");
            }
            foreach (Node node in graph.Nodes)
                DropOutputs(node, report);
        }
        return report;
    }

    private static bool RemoveNodes(Graph graph, PassReport report)
    {
        bool removed = false;
        foreach (Node node in graph.Nodes.Reverse().ToArray())
        {
            if (!node.IsInGraph || node.Outputs.Any(o => o is { IsUnused: false }))
                continue;
            report.Changed(node.ToString(), "no output depends on it; removed");
            node.Remove();
            removed = true;
        }
        return removed;
    }

    private static void DropOutputs(Node node, PassReport report)
    {
        if (!node.IsStandard || !OptionalOutputs.TryGetValue(node.OpType, out int first))
            return;
        for (int i = node.Outputs.Count - 1; i >= first; i--)
        {
            if (node.Output(i) is not { IsUnused: true } output)
                continue;
            if (node.NormalizesByBatch())
            {
                report.Skip(output.Name, "unread, but a BatchNormalization in training form has this output");
            }
            else
            {
                node.DropOutput(i);
                report.Changed(output.Name, $"unused output {i} of {node.OpType} dropped");
            }
        }
    }

    private static void RemoveFunctions(Model model, PassReport report)
    {
        HashSet<Function> called = [];
        Queue<Graph> graphs = new([model.Graph]);
        while (graphs.TryDequeue(out Graph? next))
        {
            foreach (Node node in next.WithNested().SelectMany(g => g.Nodes))
            {
                if (model.FindFunction(node) is { } function && called.Add(function))
                    graphs.Enqueue(function.Body);
            }
        }
        foreach (Function function in model.Functions.Where(f => !called.Contains(f)).ToArray())
        {
            model.Functions.Remove(function);
            report.Changed(function.Name, "function nobody calls removed");
        }
    }
}
