using System.Text.Json;
using Tersor.Onnx;
using Tersor.Onnx.Roles;

namespace Tersor.Reporting.Inspection;

/// <summary>Model → <see cref="ModelInspection"/>. Never runs the model and reads no tensor data.</summary>
public static class ModelInspector
{
    /// <summary>Describes a model.</summary>
    /// <param name="model">The model. Not modified.</param>
    /// <param name="file">Where it came from.</param>
    /// <param name="sizes">Sizes for what the model leaves open.</param>
    /// <param name="withLayers">List every node, too.</param>
    /// <param name="withConstants">List every constant with its role, too.</param>
    /// <param name="cancellation">Stops it.</param>
    public static ModelInspection Inspect(Model model, string file, InspectSizes sizes, bool withLayers, bool withConstants, CancellationToken cancellation)
    {
        WeightOwners owners = new(model);
        InferredTypes types = Infer(model, sizes.WithBatchOfOne(model, out string[] assumed));
        ModelCosts costs = ModelCosts.Of(model, types);
        Dictionary<Node, long?> macs = costs.Nodes.ToDictionary(c => c.Node, c => c.Macs, ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        List<LayerSummary> layers = [];
        foreach (Graph graph in model.AllGraphs())
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (Node node in graph.Nodes.Where(n => !n.Is("Constant")))
                layers.Add(Describe(node, owners.ByNode.GetValueOrDefault(node) ?? [], types, macs.GetValueOrDefault(node)));
        }
        ConstantRoles roles = ConstantRoles.Of(model, readsExternalData: false);
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
            Macs = costs.Macs,
            MacsNote = Note(costs, assumed, [.. sizes.Missing(model).Except(assumed)]),
            Places = Group(constants, c => c.Place),
            ElementTypes = Group(constants, c => c.Tensor.Type.ToString()),
            Roles = [.. roles.Constants.GroupBy(c => RoleOf(roles, c)).Select(g => new ConstantGroup(g.Key, g.Count(), g.Sum(c => c.Tensor!.Length), g.Sum(c => c.Tensor!.ByteLength)))
                .OrderByDescending(g => g.Bytes).ThenBy(g => g.Name, StringComparer.Ordinal)],
            Operators = [.. layers.GroupBy(l => l.Operator)
                .Select(g => new OperatorSummary(g.Key, g.Count(), g.Sum(l => l.Parameters), g.Sum(l => l.WeightBytes), Sum(g)))
                .OrderByDescending(o => o.Count).ThenBy(o => o.Operator, StringComparer.Ordinal)],
            Layers = withLayers ? layers : null,
            Constants = withConstants ? [.. roles.Constants.Select(c => Describe(roles, c))] : null,
        };
    }

    /// <summary>What its first reader takes it for; "unused" where there are none.</summary>
    private static string RoleOf(ConstantRoles roles, Value constant) => roles.RolesOf(constant) is [var first, ..] ? Name(first) : "unused";

    private static string Name(ConstantRole role) => JsonNamingPolicy.KebabCaseLower.ConvertName(role.ToString());

    private static ConstantSummary Describe(ConstantRoles roles, Value constant) => new(constant.Name, [.. roles.RolesOf(constant).Select(Name)], $"{constant.Tensor!.Type} [{string.Join(',', constant.Tensor.Shape)}]",
        [.. roles.UsesOf(constant).Select(u => u.Node).OfType<Node>().Select(n => n.ToString()).Distinct()], PlacedConstant.PathOf(constant.Graph));

    private static InterfaceValue Describe(Value value) => new(value.Name, value.Type?.ToString() ?? "?");

    private static InferredTypes Infer(Model model, InspectSizes sizes) =>
        ShapeInference.Infer(model, sizes.Dimensions, sizes.Shapes.Count == 0 ? null : sizes.Shapes);

    private static string? Note(ModelCosts costs, string[] assumed, string[] missing)
    {
        string? atOne = assumed.Length == 0 ? null : $"at {string.Join(", ", assumed.Select(name => $"{name} = 1"))}";
        if (costs.UnknownNodes == 0)
            return atOne;
        string known = $"{Plural.Of(costs.UnknownNodes, "node")} {Plural.Noun(costs.UnknownNodes, "has", "have")} unknown shapes";
        return (atOne is null ? known : $"{known}, {atOne}")
            + (missing.Length == 0 ? "" : $"; give sizes with {string.Join(' ', missing.Select(name => $"--dim {name}=..."))}");
    }

    /// <summary>Those of a body's nodes are in their owner's sum already, so owners are left out.</summary>
    private static long? Sum(IEnumerable<LayerSummary> layers)
    {
        long? sum = 0;
        foreach (LayerSummary layer in layers)
            sum = layer.Operator is "If" or "Loop" or "Scan" ? sum : sum + layer.Macs;
        return sum;
    }

    private static LayerSummary Describe(Node node, List<Tensor> tensors, InferredTypes types, long? macs)
    {
        List<Tensor> weights = tensors.FindAll(WeightOwners.IsWeight);
        Value? output = node.Outputs.FirstOrDefault(o => o is not null);
        return new(
            node.Name.Length > 0 ? node.Name : output?.Name ?? "",
            node.IsStandard ? node.OpType : $"{node.Domain}.{node.OpType}",
            PlacedConstant.PathOf(node.Graph),
            (output is null ? null : types.TensorTypeOf(output) ?? output.Type?.AsTensor)?.Shape is { } shape ? $"[{string.Join(',', shape)}]" : "?",
            weights.Sum(t => t.Length), weights.Sum(t => t.ByteLength), macs);
    }

    private static ConstantGroup[] Group(List<PlacedConstant> constants, Func<PlacedConstant, string> key) =>
        [.. constants.GroupBy(key).Select(g => new ConstantGroup(g.Key, g.Count(), g.Sum(c => c.Tensor.Length), g.Sum(c => c.Tensor.ByteLength)))
            .OrderByDescending(g => g.Bytes).ThenBy(g => g.Name, StringComparer.Ordinal)];
}
