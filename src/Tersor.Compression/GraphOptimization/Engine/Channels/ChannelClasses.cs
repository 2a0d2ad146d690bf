using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Sorts the values of one graph into <see cref="ChannelClass"/>es.</summary>
/// <remarks>
/// A convolution reads channels in any layout, since its weight has a column for each, and makes them in any, since it has a row for each; a Gather of channels likewise, by its
/// index. What computes element by element, or pools, keeps the layout. Everything else wants the channels as they are.
/// </remarks>
internal sealed class ChannelClasses
{
    private static readonly string[] Unary =
    [
        "Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Softplus", "Softsign", "ThresholdedRelu", "Abs", "Neg", "Erf",
        "Identity", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
    ];

    /// <summary>A network has no layer of more; what a hostile file claims must not be laid out.</summary>
    private const int MaxChannels = 1 << 16;

    private readonly Graph graph;
    private readonly TypeFacts types;
    private readonly Dictionary<Value, ChannelClass> classes = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly ChannelClass[] all;

    public ChannelClasses(Graph graph, TypeFacts types)
    {
        (this.graph, this.types) = (graph, types);
        foreach (Node node in graph.Nodes)
            Visit(node);
        foreach ((Value value, ChannelClass found) in classes)
        {
            found.Frozen ??= value.IsGraphOutput ? $"'{value.Name}' is given out"
                : value.Producer is null || !ReferenceEquals(value.Graph, graph) ? $"'{value.Name}' comes from outside"
                : value.Uses.Any(u => !ReferenceEquals(u.Node.Graph, graph)) ? $"'{value.Name}' is read inside a body" : null;
        }
        all = [.. classes.Values.Distinct()];
        FreezeConcats();
    }

    /// <summary>All classes.</summary>
    public IReadOnlyList<ChannelClass> All => all;

    /// <summary>The class of a value; null when it has no channels of known number.</summary>
    public ChannelClass? Of(Value? value)
    {
        if (value is null or { Constant: not null })
            return null;
        if (classes.TryGetValue(value, out ChannelClass? known))
            return known;
        if (types.Element(value) != ElementType.Float32 || types.Shape(value) is not { Length: >= 3 } shape || shape[1].Size is not { } channels || channels > MaxChannels)
            return null;
        ChannelClass made = new((int)channels);
        made.Values.Add(value);
        return classes[value] = made;
    }

    /// <summary>True for a convolution whose every channel is filtered by itself.</summary>
    public static bool IsDepthwise(Node conv) => conv.Int("group", 1) is > 1 and var group && conv.Inputs[1]!.Constant!.Shape is [var outputs, 1, ..] && outputs == group;

    /// <summary>The axis of a constant along which the channels of a value of this rank lie; null when it is the same for all channels.</summary>
    public static int? ChannelAxis(Tensor constant, int rank) => constant.Rank - rank + 1 is >= 0 and var axis && constant.Shape[axis] != 1 ? axis : null;

    public int? Rank(Value? value) => types.Rank(value);

    private void Visit(Node node)
    {
        if (node.Is("Constant"))
            return;
        string? trouble = node.OpType switch
        {
            _ when !node.IsStandard || node.Outputs.Skip(1).Any(o => o is { IsUnused: false }) => Other(node),
            "Conv" => Convolution(node),
            "BatchNormalization" => Normalization(node),
            "PRelu" or "Add" or "Sub" or "Mul" or "Div" or "Max" or "Min" => Elementwise(node),
            "Concat" => Concat(node),
            "Gather" => IsChannelGather(node) ? null : Other(node),
            _ when Unary.Contains(node.OpType) => Tie(node.Input(0), node.Output(0)),
            _ => Other(node),
        };
        if (trouble is null)
            return;
        foreach (Value value in node.Inputs.Concat(node.Outputs).OfType<Value>())
        {
            if (Of(value) is { } found)
                found.Frozen ??= trouble;
        }
    }

    private static string Other(Node node) => $"{node} needs the channels as they are";

    private string? Convolution(Node node)
    {
        if (node.Input(1)?.Constant is not { Type: ElementType.Float32 } weight || node.Input(2) is { Constant: not { Type: ElementType.Float32 } })
            return $"{node} has no constant float weight";
        if (node.Inputs[1]!.Constraints.Any(c => c is not Constraint.Mask))
            return $"the weight of {node} is constrained";
        if (Of(node.Input(0)) is not { } read || Of(node.Output(0)) is not { } made)
            return Other(node);
        bool depthwise = IsDepthwise(node);
        if (!depthwise && node.Int("group", 1) != 1)
            return $"{node} works in groups";
        if (weight.Rank != Rank(node.Outputs[0]) || weight.Shape[0] != made.Channels || weight.Shape[1] != (depthwise ? 1 : read.Channels) || (node.Input(2)?.Constant is { } bias && (bias.Rank != 1 || bias.Length != made.Channels)))
            return $"the shapes of {node} do not agree";
        return depthwise ? Tie(node.Inputs[0], node.Outputs[0]) : null;
    }

    private string? Normalization(Node node) => AffineNode.Of(node, out _) is null || Of(node.Output(0)) is not { } made ? Other(node)
        : node.Inputs.Skip(1).Any(i => i!.Constant is not { Type: ElementType.Float32 } parameter || parameter.Length != made.Channels) ? $"{node} has no constant float parameters of its channels"
        : Tie(node.Inputs[0], node.Outputs[0]);

    private string? Elementwise(Node node)
    {
        if (node.OpsetVersion < 7 || node.Inputs.Count != 2 || node.Output(0) is not { } output || Of(output) is not { } whole || Rank(output) is not { } rank)
            return Other(node);
        foreach ((Value? operand, int index) in node.Inputs.Select((v, i) => (v, i)))
        {
            if (operand is not { } input)
                return Other(node);
            if (input.Constant is { } constant)
            {
                if (constant.Type != ElementType.Float32 || constant.Rank > rank || (ChannelAxis(constant, rank) is { } axis && constant.Shape[axis] != whole.Channels) || (node.OpType == "Div" && index == 0))
                    return Other(node);
            }
            else if (node.OpType is "Div" or "PRelu" && index == 1)
            {
                return Other(node); // an added channel might be divided by zero
            }
            else if (Of(input) is not { } found || Rank(input) != rank)
            {
                return Other(node);
            }
            else if (found.Channels == 1 && whole.Channels > 1)
            {
                found.Frozen ??= $"{node} reads it for all channels";
            }
            else if (Tie(input, output) is { } trouble)
            {
                return trouble;
            }
        }
        return null;
    }

    private string? Concat(Node node)
    {
        if (Of(node.Output(0)) is not { } whole || Rank(node.Outputs[0]) is not { } rank || node.Inputs.Any(i => Of(i) is null || Rank(i) != rank))
            return Other(node);
        if (node.Int("axis", 0) is var axis && axis != 1 && axis != 1 - rank)
            return node.Inputs.Select(i => Tie(i, node.Outputs[0])).FirstOrDefault(t => t is not null);
        if (node.Inputs.Sum(i => (long)Of(i)!.Channels) != whole.Channels)
            return $"the shapes of {node} do not agree";
        whole.Concats.Add(node);
        return null;
    }

    /// <summary>Takes channels by a constant index, each of which there is.</summary>
    private bool IsChannelGather(Node node) => Rank(node.Output(0)) is { } rank && node.Int("axis", 0) is var axis && (axis == 1 || axis == 1 - rank) && node.Input(1)?.Constant?.Rank == 1
        && Constants.Integers(node.Input(1)) is { Length: > 0 } taken && Rank(node.Input(0)) == rank && Of(node.Input(0)) is { } read && Of(node.Outputs[0]) is { } made && taken.Length == made.Channels
        && taken.All(c => c >= -read.Channels && c < read.Channels);

    /// <summary>Lets two values share a layout. Says why they cannot.</summary>
    private string? Tie(Value? a, Value? b)
    {
        if (Of(a) is not { } x || Of(b) is not { } y || x.Channels != y.Channels)
            return $"the channels of '{a?.Name}' are not known to be those of '{b?.Name}'";
        if (ReferenceEquals(x, y))
            return null;
        (ChannelClass keep, ChannelClass drop) = x.Values.Count >= y.Values.Count ? (x, y) : (y, x);
        keep.Values.AddRange(drop.Values);
        keep.Concats.AddRange(drop.Concats);
        keep.Frozen ??= drop.Frozen;
        foreach (Value value in drop.Values)
            classes[value] = keep;
        return null;
    }

    /// <summary>What a Concat makes can only stay as it is if its parts do, and two Concats in a class would have to agree.</summary>
    private void FreezeConcats()
    {
        Stack<ChannelClass> frozen = new();
        foreach (ChannelClass found in All)
        {
            if (found.Concats.Count > 1 || found.Concats.Any(c => c.Inputs.Any(i => ReferenceEquals(Of(i), found))))
                found.Frozen ??= "several Concats would have to agree";
            if (found.Frozen is not null)
                frozen.Push(found);
        }
        while (frozen.TryPop(out ChannelClass? found))
        {
            foreach (ChannelClass part in found.Concats.SelectMany(c => c.Inputs).Select(Of).OfType<ChannelClass>().Where(p => p.Frozen is null))
            {
                part.Frozen = found.Frozen;
                frozen.Push(part);
            }
        }
    }
}
