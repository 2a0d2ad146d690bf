using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>The gate [N, C, 1, 1] of squeeze-and-excitation is repeated over the picture by Resize before it is multiplied. ONNX Runtime keeps a product of two values of one shape in its blocks of channels, and a product with a gate not.</summary>
/// <remarks>Source of the gate: Hu et al. 2018, arXiv:1709.01507, section 3.</remarks>
public sealed class SpreadGatesPass : Pass
{
    /// <summary>The first operator set whose Resize needs no input but the scales.</summary>
    private const long Opset = 13;

    /// <inheritdoc/>
    public override string Name => "spread-gates";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Node node in model.AllNodes().Where(n => n.Is("Mul")).ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (GateOf(node, types) is not { } index)
                continue;
            Value gate = node.Inputs[index]!, picture = node.Inputs[1 - index]!;
            if (Reason(node, gate, picture, types) is { } reason)
            {
                report.Skip(node.ToString(), reason);
                continue;
            }
            long[] size = types.Fixed(picture, 2)!;
            Value scales = Constants.Add(node, $"{gate.Name}/scales", Tensor.Vector(1f, 1f, size[0], size[1]));
            Value spread = node.Graph.InsertBefore(node, "Resize", [gate, null, scales], [$"{gate.Name}/spread"],
                [new("mode", "nearest"), new("coordinate_transformation_mode", "asymmetric"), new("nearest_mode", "floor")]).Outputs[0]!;
            node.SetInput(index, spread);
            report.Changed(node.ToString(), $"multiplies with its gate repeated to {size[0]}x{size[1]}");
        }
        return report;
    }

    /// <summary>Which input is a single pixel, where the other is more or may be.</summary>
    private static int? GateOf(Node node, TypeFacts types)
    {
        if (node.Inputs.Count != 2 || node.Inputs.Any(i => i is null or { Constant: not null }) || types.Shape(node.Inputs[0]) is not { Length: 4 } left || types.Shape(node.Inputs[1]) is not { Length: 4 } right)
            return null;
        return IsPixel(right) && !IsPixel(left) ? 1 : IsPixel(left) && !IsPixel(right) ? 0 : null;

        static bool IsPixel(Dimension[] shape) => shape[2].Size == 1 && shape[3].Size == 1;
    }

    private static string? Reason(Node node, Value gate, Value picture, TypeFacts types)
    {
        Dimension[] gates = types.Shape(gate)!, whole = types.Shape(picture)!;
        return node.OpsetVersion < Opset ? $"Resize needs operator set {Opset}"
            : types.Element(gate) != ElementType.Float32 ? $"computes in {types.Element(gate)}"
            : types.Fixed(picture, 2) is not { } size ? "the size of the picture is not known; fix it with --dim or --input-shape"
            : size.Any(s => s is < 1 or > 1 << 16) ? "the picture is empty, or too large"
            : !TypeFacts.Same(gates[0], whole[0]) || !TypeFacts.Same(gates[1], whole[1]) ? "the gate is not known to have the picture's batch and channels"
            : whole[1].Size is not { } channels || channels % BlockLayout.Block != 0 ? $"its channels do not fill blocks of {BlockLayout.Block}"
            : !BlockLayout.IsConvolved(gate) || !BlockLayout.IsConvolved(picture) || !node.Outputs[0]!.Uses.Any(u => u.Index == 0 && u.Node.Is("Conv", "Add")) ? "not between convolutions"
            : null;
    }
}
