using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Which constants beside layers may take scales.</summary>
internal enum FreeScales
{
    /// <summary>None: only layers do.</summary>
    None,

    /// <summary>Normalizations, and products with one constant a channel.</summary>
    Vectors,

    /// <summary>Products with a scalar too; it becomes one constant a channel.</summary>
    Scalars,
}

/// <summary>Finds the values around a layer that can share one scale a channel: everything reached through operators that commute with it.</summary>
/// <param name="free">Which constants beside layers may take scales; the search ends at them.</param>
/// <param name="types">What is known about shapes.</param>
internal sealed class ScalingGroupFinder(FreeScales free, TypeFacts types)
{
    /// <summary>A value with its channel axis, counted from the end, and its rank where it is known. Flat: each channel is a block of neighbours.</summary>
    private readonly record struct Place(int Axis, int? Rank, bool Flat);

    private readonly Dictionary<Value, Place> visited = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Queue<Value> work = new();
    private ScalingGroup group = new(0);
    private string? problem;

    /// <summary>The group of the values that a layer makes; null with the reason when they cannot be scaled.</summary>
    public ScalingGroup? Behind(LinearLayer layer, out string? reason, out IReadOnlyCollection<Value> values) =>
        Search(layer.Output, new(layer.ChannelAxis, layer.Rank, false), layer.Outputs, out reason, out values);

    /// <summary>The group of the values that a layer reads; null with the reason when they cannot be scaled.</summary>
    public ScalingGroup? Before(LinearLayer layer, out string? reason, out IReadOnlyCollection<Value> values) =>
        Search(layer.Data, new(layer.ChannelAxis, layer.Rank, false), layer.Inputs, out reason, out values);

    private ScalingGroup? Search(Value start, Place place, long channels, out string? reason, out IReadOnlyCollection<Value> values)
    {
        (group, problem) = (new(channels), null);
        visited.Clear();
        work.Clear();
        Add(start, place);
        while (problem is null && work.TryDequeue(out Value? value))
            Visit(value, visited[value]);
        if (problem is null && group.Sinks.Count == 0)
            problem = "no layer reads it";
        reason = problem;
        values = [.. visited.Keys];
        return problem is null ? group : null;
    }

    private void Add(Value value, Place place)
    {
        if (!visited.TryGetValue(value, out Place known))
        {
            visited[value] = place;
            work.Enqueue(value);
        }
        else if (known.Axis != place.Axis || known.Flat != place.Flat)
        {
            problem ??= $"'{value.Name}' would have its channels along two axes";
        }
    }

    private void Visit(Value value, Place place)
    {
        if (value.IsGraphOutput)
            problem ??= $"'{value.Name}' is an output";
        else if (value.Uses.Any(u => !ReferenceEquals(u.Node.Graph, value.Graph)))
            problem ??= $"a nested body reads '{value.Name}'";
        else if (value.Producer is null)
            problem ??= value.Constant is null ? $"'{value.Name}' is an input" : $"'{value.Name}' is a constant";
        else
            VisitProducer(value.Producer, place);
        // A node that reads the value twice is visited once for each.
        foreach (Use use in value.Uses)
        {
            if (problem is null)
                VisitReader(use, place);
        }
    }

    private void VisitProducer(Node node, Place place)
    {
        if (LinearLayer.Of(node, out string? reason) is { } layer)
        {
            problem ??= layer.Outputs != group.Channels || place.Axis != layer.ChannelAxis || place.Flat ? $"{node} makes other channels"
                : Obstacle(layer);
            group.Sources.Add(layer);
            return;
        }
        if (reason is not null)
            problem ??= reason;
        else if (free != FreeScales.None && TakesScales(node, place))
            group.HasFreeSource = true;
        else if (place.Flat && node.Is("Reshape", "Flatten") && visited.ContainsKey(node.Inputs[0]!))
            return; // it was come through from its input
        else if (node.Is("Reshape", "Flatten") || !Through(node, place, isReader: false, inputIndex: -1))
            problem ??= $"{node} makes it, which does not commute with a scale";
    }

    private void VisitReader(Use use, Place place)
    {
        Node node = use.Node;
        if (node.Is("Shape", "Size"))
            return;
        if (LinearLayer.Of(node, out string? reason) is { } layer && use.Index == layer.DataInput)
        {
            bool fits = place.Axis == layer.ChannelAxis && (place.Flat ? layer.Inputs % group.Channels == 0 : layer.Inputs == group.Channels);
            problem ??= fits ? Obstacle(layer) : $"{node} reads other channels";
            group.Sinks.Add(layer);
        }
        else if (reason is not null)
        {
            problem ??= reason;
        }
        else if (free != FreeScales.None && IsFreeProduct(node, place))
        {
            problem ??= $"{node} reads it, whose constant takes scales of its own";
        }
        else if (!Through(node, place, isReader: true, use.Index))
        {
            problem ??= $"{node} reads it, which does not commute with a scale";
        }
    }

    private static string? Obstacle(LinearLayer layer) =>
        !Rewire.HasOneReader(layer.Weight) ? $"the weight of {layer.Node} has other readers"
        : LayerFold.TryBias(layer) is null ? $"the bias of {layer.Node} is not one number an output channel" : null;

    /// <summary>Notes the constants of a normalization or product that makes the values.</summary>
    private bool TakesScales(Node node, Place place)
    {
        if (node.Is("LayerNormalization") && node.Int("axis", -1) == -1 && place is { Axis: -1, Flat: false } && node.Outputs.Skip(1).All(o => o is null or { IsUnused: true }))
        {
            for (int i = 1; i < 3; i++)
            {
                if (node.Input(i) is not { } parameter)
                    continue;
                if (parameter.Constant is not { } tensor || tensor.Length != group.Channels || tensor.Type is not (ElementType.Float32 or ElementType.Float64))
                    return false;
                group.Constants.Add((node, i, -1, false));
            }
            return true;
        }
        if (!IsFreeProduct(node, place))
            return false;
        int index = ConstantInput(node);
        group.Constants.Add((node, index, place.Axis, node.OpType == "Div"));
        return true;
    }

    private bool IsFreeProduct(Node node, Place place)
    {
        if (!node.Is("Mul", "Div") || place.Flat || AffineNode.Of(node, out _) is not { } affine || affine.Scale.Along(place.Rank, place.Axis, group.Channels) is null)
            return false;
        return free == FreeScales.Scalars || affine.Scale.Values.Length == group.Channels && affine.Scale.Values.Length > 1;
    }

    private static int ConstantInput(Node node) => node.Input(1)?.Constant is not null ? 1 : 0;

    /// <summary>Goes on through an operator that commutes with a positive scale of each channel, to whatever of it is not visited yet.</summary>
    private bool Through(Node node, Place place, bool isReader, int inputIndex)
    {
        switch (node.OpType)
        {
            case var _ when !node.IsStandard || node.Input(0) is null || node.Output(0) is null:
                return false;
            case "Relu" or "LeakyRelu" or "Identity" or "Dropout" or "GlobalAveragePool" or "GlobalMaxPool" or "AveragePool" or "MaxPool" or "PRelu":
                if (isReader && inputIndex != 0 || node.Outputs.Skip(1).Any(o => o is { IsUnused: false }) || node.Input(1) is { Constant: null } && node.OpType == "PRelu")
                    return false;
                return Both(node.Inputs[0]!, node.Outputs[0]!, place, place);
            case "Clip":
                return node.OpsetVersion >= 11 && node.Input(2) is null && node.Input(1)?.Constant?.ToFloats() is [0f] && Both(node.Inputs[0]!, node.Outputs[0]!, place, place);
            case "Transpose" when node.Ints("perm") is { } perm && !place.Flat && perm.Length + place.Axis >= 0:
                int axis = perm.Length + place.Axis;
                Place other = new((isReader ? Array.IndexOf(perm, axis) : (int)perm[axis]) - perm.Length, perm.Length, false);
                return isReader ? Both(node.Inputs[0]!, node.Outputs[0]!, place, other) : Both(node.Inputs[0]!, node.Outputs[0]!, other, place);
            case "Flatten" when isReader && node.Int("axis", 1) == 1 && place.Rank + place.Axis == 1:
            case "Reshape" when isReader && inputIndex == 0 && place.Rank + place.Axis == 1 && KeepsFirst(node):
                return Both(node.Inputs[0]!, node.Outputs[0]!, place, new(-1, 2, true));
            case "Add" or "Sub" or "Mul" or "Div" when AffineNode.Of(node, out _) is { } affine:
                if (affine.Scale.Along(place.Rank, place.Axis, group.Channels) is null || affine.Shift.Along(place.Rank, place.Axis, group.Channels) is null
                    || place.Flat && (affine.Shifts || affine.Scale.Values.Length > 1))
                    return false;
                if (affine.Shifts && !group.Constants.Any(c => c.Node == node))
                    group.Constants.Add((node, ConstantInput(node), place.Axis, false));
                return Both(affine.Input, node.Outputs[0]!, place, place);
            case "Add" or "Sub" when node.Inputs is [{ } one, { } two] && !place.Flat:
                // Both terms must carry the same scale; one that is broadcast over the channels has no source with as many channels.
                Add(one, place);
                return Both(two, node.Outputs[0]!, place, place);
            case "Mul" when node.Inputs is [{ } left, { } right] && !place.Flat && (IsGate(left), IsGate(right)) is var (first, second) && first != second:
                // The gate keeps its own scale.
                int data = first ? 1 : 0;
                return !(isReader && inputIndex != data) && Both(node.Inputs[data]!, node.Outputs[0]!, place, place);
            default:
                return false;
        }
    }

    private bool Both(Value input, Value output, Place inputPlace, Place outputPlace)
    {
        Add(input, inputPlace);
        Add(output, outputPlace);
        return true;
    }

    /// <summary>True for a Reshape to two dimensions that joins all but the first.</summary>
    private bool KeepsFirst(Node reshape) => reshape.Input(1)?.Constant is { Length: 2 } shape && shape.ToInt64s()[0] is var first
        && (first == 0 ? reshape.Int("allowzero", 0) == 0 : first > 0 && types.Shape(reshape.Inputs[0])?[0].Size == first);

    private static bool IsGate(Value value) => value.Producer is { } node && node.Is("Sigmoid", "HardSigmoid", "Softmax", "Tanh");
}
