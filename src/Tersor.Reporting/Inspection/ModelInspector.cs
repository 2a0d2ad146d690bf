using Tersor.Onnx;

namespace Tersor.Reporting.Inspection;

/// <summary>Model → <see cref="ModelInspection"/>. Never runs the model and reads no tensor data.</summary>
public static class ModelInspector
{
    /// <summary>Describes a model.</summary>
    /// <param name="model">The model. Not modified.</param>
    /// <param name="file">Where it came from.</param>
    /// <param name="withLayers">List every node, too.</param>
    /// <param name="cancellation">Stops it.</param>
    public static ModelInspection Inspect(Model model, string file, bool withLayers, CancellationToken cancellation)
    {
        WeightOwners owners = new(model);
        List<LayerSummary> layers = [];
        foreach (Graph graph in model.AllGraphs())
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (Node node in graph.Nodes.Where(n => !n.Is("Constant")))
                layers.Add(Describe(node, owners.ByNode.GetValueOrDefault(node) ?? []));
        }
        List<PlacedConstant> constants = [.. PlacedConstant.All(model)];
        return new()
        {
            File = file,
            FileBytes = new FileInfo(file).Length,
            ExternalBytes = constants.Where(c => c.Tensor.IsExternal).Sum(c => c.Tensor.ByteLength),
            IrVersion = model.IrVersion,
            Producer = $"{model.ProducerName} {model.ProducerVersion}".Trim(),
            Opsets = model.OpsetImports.ToDictionary(pair => pair.Key.Length == 0 ? "ai.onnx" : pair.Key, pair => pair.Value),
            Inputs = [.. model.Graph.Inputs.Where(v => !v.IsInitializer).Select(Describe)],
            Outputs = [.. model.Graph.Outputs.Select(Describe)],
            Metadata = model.Metadata.ToDictionary(),
            Nodes = layers.Count,
            LayersWithWeights = layers.Count(l => l.Parameters > 0),
            NestedGraphs = model.AllGraphs().Count(g => g.Owner is not null),
            Functions = model.Functions.Count,
            Parameters = constants.Where(c => WeightOwners.IsWeight(c.Tensor)).Sum(c => c.Tensor.Length),
            WeightBytes = constants.Where(c => WeightOwners.IsWeight(c.Tensor)).Sum(c => c.Tensor.ByteLength),
            Macs = null,
            MacsNote = null,
            Places = Group(constants, c => c.Place),
            ElementTypes = Group(constants, c => c.Tensor.Type.ToString()),
            Operators = [.. layers.GroupBy(l => l.Operator)
                .Select(g => new OperatorSummary(g.Key, g.Count(), g.Sum(l => l.Parameters), g.Sum(l => l.WeightBytes), null))
                .OrderByDescending(o => o.Count).ThenBy(o => o.Operator, StringComparer.Ordinal)],
            Layers = withLayers ? layers : null,
        };
    }

    private static InterfaceValue Describe(Value value) => new(value.Name, value.Type?.ToString() ?? "?");

    private static LayerSummary Describe(Node node, List<Tensor> tensors)
    {
        List<Tensor> weights = tensors.FindAll(WeightOwners.IsWeight);
        Value? output = node.Outputs.FirstOrDefault(o => o is not null);
        return new(
            node.Name.Length > 0 ? node.Name : output?.Name ?? "",
            node.IsStandard ? node.OpType : $"{node.Domain}.{node.OpType}",
            PlacedConstant.PathOf(node.Graph),
            output?.Type?.AsTensor?.Shape is { } shape ? $"[{string.Join(',', shape)}]" : "?",
            weights.Sum(t => t.Length), weights.Sum(t => t.ByteLength), null);
    }

    private static ConstantGroup[] Group(List<PlacedConstant> constants, Func<PlacedConstant, string> key) =>
        [.. constants.GroupBy(key).Select(g => new ConstantGroup(g.Key, g.Count(), g.Sum(c => c.Tensor.Length), g.Sum(c => c.Tensor.ByteLength)))
            .OrderByDescending(g => g.Bytes).ThenBy(g => g.Name, StringComparer.Ordinal)];
}
