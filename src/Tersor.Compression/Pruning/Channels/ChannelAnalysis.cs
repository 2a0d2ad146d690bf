using Tersor.Onnx;

namespace Tersor.Compression.Pruning.Channels;

/// <summary>Follows channels through a graph: which constants hold a slice for each, and which must stay as they are.</summary>
internal sealed class ChannelAnalysis
{
    /// <summary>A network has no layer of more; what a hostile file claims must not be laid out.</summary>
    private const int MaxChannels = 1 << 16;

    private readonly Dictionary<Value, Lane?[]> lanes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(Value, int), Lane> constants = [];
    private readonly HashSet<(Value, int)> whole = []; // axes that some layer reads as they are
    private readonly HashSet<Use> bound = [];
    private readonly InferredTypes types;
    private readonly Graph graph;

    /// <param name="model">Its main graph is looked at; functions must be inlined.</param>
    public ChannelAnalysis(Model model)
    {
        (graph, types) = (model.Graph, ShapeInference.Infer(model));
        foreach (Node node in graph.Nodes)
        {
            if (node.Is("Constant"))
                continue;
            if (!ChannelRules.Apply(this, node))
                FreezeAll(node, $"{node} needs them as they are");
            foreach (Value output in node.Outputs.OfType<Value>())
                FreezeWhereSeen(output);
        }
        // A constant that something else reads too cannot lose a slice.
        foreach (((Value constant, int _), Lane lane) in constants)
        {
            if (constant.IsGraphOutput || constant.Uses.Any(u => !bound.Contains(u)))
                lane.Freeze($"'{constant.Name}' is read elsewhere too");
        }
    }

    /// <summary>Every constant that holds slices, with the lanes along its axes.</summary>
    public IEnumerable<(Value Constant, int Axis, Lane Lane)> Constants => constants.Select(c => (c.Key.Item1, c.Key.Item2, c.Value));

    /// <summary>Values that have channels, with the lane of each axis.</summary>
    public IEnumerable<(Value Value, Lane?[] Lanes)> Values => lanes.Select(l => (l.Key, l.Value));

    /// <summary>Constants whose layers make channels, with the axis.</summary>
    public HashSet<(Value, int)> Makers { get; } = [];

    /// <summary>Convolutions that filter every channel by itself, with their channels.</summary>
    public List<(Node Node, Lane Lane)> Depthwise { get; } = [];

    /// <summary>Sizes written into the target shape of a Reshape: its second input, the place, what it is the size of.</summary>
    public List<(Node Node, int Index, Lane Lane)> Sizes { get; } = [];

    /// <summary>How many axes a value has; null: unknown.</summary>
    public int? Rank(Value? value) => value is null ? null : value.Tensor?.Rank ?? types.TensorTypeOf(value)?.Shape?.Length ?? Of(value)?.Length;

    /// <summary>Size of an axis; null: unknown.</summary>
    public long? Size(Value? value, int axis) => value is null ? null : value.Tensor?.Shape[axis] ?? types.TensorTypeOf(value)?.Shape?[axis].Size;

    /// <summary>Whether two values are for certain as long along an axis.</summary>
    public bool SameSize(Value a, Value b, int axis) => types.TensorTypeOf(a)?.Shape is { } x && types.TensorTypeOf(b)?.Shape is { } y && axis < x.Length && axis < y.Length
        && (x[axis].Size is { } size ? size == y[axis].Size : x[axis].Symbol is { Length: > 0 } symbol && y[axis].Size is null && symbol == y[axis].Symbol);

    /// <summary>The channels along an axis; null: there are none.</summary>
    public Lane? Of(Value? value, int axis) => value is not null && lanes.TryGetValue(value, out Lane?[]? found) && axis >= 0 && axis < found.Length ? found[axis] : null;

    /// <summary>The channels along every axis; null: there are none.</summary>
    public Lane?[]? Of(Value? value) => value is null ? null : lanes.GetValueOrDefault(value);

    /// <summary>Says what channels a value has along its axes.</summary>
    public void Set(Value? value, Lane?[] found)
    {
        if (value is not null && found.Any(l => l is not null))
            lanes[value] = found;
    }

    /// <summary>Says that a value has channels along one axis.</summary>
    public void Set(Value? value, int axis, Lane? lane)
    {
        if (value is null || lane is null)
            return;
        if (Rank(value) is not { } rank || axis >= rank)
        {
            lane.Freeze($"the shape of '{value.Name}' is not known");
            return;
        }
        Lane?[] all = new Lane?[rank];
        all[axis] = lane;
        lanes[value] = all;
    }

    /// <summary>Channels that a layer makes: as many as a constant has along an axis.</summary>
    public Lane? Made(Node node, int input, int axis)
    {
        if (node.Input(input)?.Constant is not { } tensor || tensor.Shape[axis] is not (> 0 and <= MaxChannels))
            return null;
        Lane made = Lane.Of(new((int)tensor.Shape[axis]));
        Bind(node, input, axis, made);
        Makers.Add((node.Inputs[input]!, axis));
        return made;
    }

    /// <summary>Says that a node reads a constant, whatever its size.</summary>
    public void Touch(Node node, int input) => bound.Add(new(node, input));

    /// <summary>Says that an axis of a constant has a slice for each channel; null: that it must stay as it is.</summary>
    public void Bind(Node node, int input, int axis, Lane? lane)
    {
        if (node.Input(input) is not { } value)
            return;
        Touch(node, input);
        if (lane is null)
        {
            whole.Add((value, axis));
            constants.GetValueOrDefault((value, axis))?.Freeze($"{node} reads '{value.Name}' whole");
        }
        else if (whole.Contains((value, axis)))
        {
            lane.Freeze($"'{value.Name}' is read whole elsewhere");
        }
        else if (value.Constant is not { Type: ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16, ByteLength: < int.MaxValue } tensor || !ReferenceEquals(value.Graph, graph))
        {
            lane.Freeze($"input {input} of {node} is no float constant");
        }
        else if (axis < 0 || axis >= tensor.Rank || tensor.Shape[axis] != lane.Size)
        {
            lane.Freeze($"the shapes of {node} do not agree");
        }
        else if (value.Constraints.Any(c => c is not Constraint.Mask))
        {
            lane.Freeze($"'{value.Name}' is constrained");
        }
        else if (constants.TryGetValue((value, axis), out Lane? known))
        {
            known.Join(lane, node.ToString());
        }
        else
        {
            constants[(value, axis)] = lane;
        }
    }

    /// <summary>Keeps all channels of what a node reads and makes.</summary>
    public void FreezeAll(Node node, string reason)
    {
        foreach (Value value in node.Inputs.Concat(node.Outputs).OfType<Value>().Concat(node.Bodies.SelectMany(Outer)))
        {
            foreach (Lane lane in (Of(value) ?? []).OfType<Lane>())
                lane.Freeze(reason);
        }
    }

    /// <summary>The target of a Reshape where it can be told; an element that cannot is null.</summary>
    public static long?[]? Target(Node reshape)
    {
        if (reshape.Ints("shape") is { } old)
            return [.. old.Select(d => (long?)d)];
        if (reshape.Input(1) is not { } shape)
            return null;
        if (shape.Constant is { } constant)
            return [.. constant.ToInt64s().Select(d => (long?)d)];
        if (shape.Producer is not { } concat || !concat.Is("Concat"))
            return null;
        List<long?> target = [];
        foreach (Value? part in concat.Inputs)
        {
            if (part?.Constant is { } known)
                target.AddRange(known.ToInt64s().Select(d => (long?)d));
            else
                target.Add(null); // of one element, or the ranks do not agree later
        }
        return [.. target];
    }

    private void FreezeWhereSeen(Value value)
    {
        if (Of(value) is not { } found)
            return;
        string? reason = value.IsGraphOutput ? $"'{value.Name}' is given out" : value.Uses.Any(u => !ReferenceEquals(u.Node.Graph, graph)) ? $"'{value.Name}' is read inside a body" : null;
        foreach (Lane lane in reason is null ? [] : found.OfType<Lane>())
            lane.Freeze(reason!);
    }

    private IEnumerable<Value> Outer(Graph body) => body.Nodes.SelectMany(n => n.Inputs.OfType<Value>().Concat(n.Bodies.SelectMany(Outer))).Where(v => ReferenceEquals(v.Graph, graph));
}
