namespace Tersor.Onnx;

/// <summary>What one node costs in one execution. Null means unknown, because a shape is.</summary>
/// <param name="Node">The node.</param>
/// <param name="Macs">Multiply-accumulates, as <see cref="ModelCosts"/> defines them; 0 for operators without any.</param>
/// <param name="Parameters">Elements of the constants it reads. A weight that several nodes share counts at each.</param>
/// <param name="ParameterBytes">Bytes of those constants.</param>
/// <param name="ActivationBytes">Bytes of the values it reads, constants apart, and of those it makes.</param>
public sealed record NodeCost(Node Node, long? Macs, long Parameters, long ParameterBytes, long? ActivationBytes);
