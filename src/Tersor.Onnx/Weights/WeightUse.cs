using System.Collections.Immutable;

namespace Tersor.Onnx;

/// <summary>One use of a weight: input <see cref="InputIndex"/> of <see cref="Node"/>, and the constant behind it, wherever that stands.</summary>
/// <remarks>A snapshot: it describes the model as it was when <see cref="ModelWeights.Weights"/> ran.</remarks>
public sealed class WeightUse
{
    private readonly ConstantOperand operand;
    private readonly WeightPlace place;

    internal WeightUse(Node node, int inputIndex, ConstantOperand operand, WeightPlace place)
    {
        (Node, InputIndex) = (node, inputIndex);
        (this.operand, this.place) = (operand, place);
    }

    /// <summary>The operator that computes with it; it may stand in a nested body or a function. For a weight handed to a function, the call.</summary>
    public Node Node { get; }

    /// <summary>Which input of <see cref="Node"/>.</summary>
    public int InputIndex { get; }

    /// <summary>The constant as stored: an initializer or the output of a Constant node.</summary>
    public Value Value => operand.Constant;

    /// <summary>The stored tensor. An overridable initializer gives its default.</summary>
    public Tensor Weight => operand.Constant.Tensor!;

    /// <summary>What it is to the operator.</summary>
    public WeightRole Role => place.Role;

    /// <summary>The nodes between the stored tensor and <see cref="Node"/>, in order: Transpose, Cast, Identity, Reshape and the like. Usually empty.</summary>
    public ImmutableArray<Node> Path => operand.Path;

    /// <summary>Shape of the operand as <see cref="Node"/> sees it, behind <see cref="Path"/>.</summary>
    public ImmutableArray<long> OperandShape => operand.Shape;

    /// <summary>The axis of the stored tensor along which output channels lie, 0 or more; null when no single axis has them or it is not known.</summary>
    public int? OutputChannelAxis => operand.ToStored(place.OutputAxis);

    /// <summary>The axis of the stored tensor along which input channels lie; null as above. With <see cref="Groups"/>, of one group.</summary>
    public int? InputChannelAxis => operand.ToStored(place.InputAxis);

    /// <summary>The axis of the stored tensor along which magnitudes may differ and each index should have a scale of its own: output channels; of a table, the axis it is looked up by. Null as above.</summary>
    public int? ScaleAxis => Role == WeightRole.EmbeddingTable ? InputChannelAxis : OutputChannelAxis;

    /// <summary><see cref="OutputChannelAxis"/>, counted at the operator's input, behind <see cref="Path"/>.</summary>
    public int? OperandOutputChannelAxis => place.OutputAxis;

    /// <summary><see cref="InputChannelAxis"/>, counted at the operator's input, behind <see cref="Path"/>.</summary>
    public int? OperandInputChannelAxis => place.InputAxis;

    /// <summary>Groups of a convolution; 1 elsewhere.</summary>
    public long Groups => place.Groups;

    /// <summary>True when a caller may feed another tensor in its place, so that nothing may be folded from it.</summary>
    public bool IsOverridable => Value.IsOverridable;

    /// <summary>All uses of the same stored tensor, this one included, in model order.</summary>
    public IReadOnlyList<WeightUse> Users { get; internal set; } = [];

    /// <summary>True when changing the stored tensor changes something else too: another use, a model output, another reader of <see cref="Path"/>.</summary>
    public bool IsShared => Users.Count > 1 || ReadMoreThanOnce(Value) || Path.Any(n => ReadMoreThanOnce(n.Outputs[0]!));

    /// <summary>Node, input and constant, for reports.</summary>
    public override string ToString() => $"{Value.Name} ({Weight}, {Role} of {Node})";

    private static bool ReadMoreThanOnce(Value value) => value.Uses.Count > 1 || value.IsGraphOutput;
}
