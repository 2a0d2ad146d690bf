using System.Collections.Immutable;

namespace Tersor.Onnx.Roles;

/// <summary>One use of a constant: the operator that computes with it and activations, and what it is there.</summary>
/// <param name="Constant">The initializer or the Constant node's output.</param>
/// <param name="Node">The operator; null for what a graph gives out.</param>
/// <param name="InputIndex">Which of its inputs; -1 where there is no operator.</param>
/// <param name="Role">What it is there.</param>
/// <param name="Path">The nodes between, in order: they move, convert or combine constants.</param>
/// <param name="OutputChannelAxis">The axis of the stored tensor along which output channels lie; null where no single one has them or it is not known.</param>
public sealed record ConstantUse(Value Constant, Node? Node, int InputIndex, ConstantRole Role, ImmutableArray<Node> Path, int? OutputChannelAxis);
