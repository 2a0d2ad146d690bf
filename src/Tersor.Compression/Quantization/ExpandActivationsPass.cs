using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>Writes activations that have no 8-bit kernel as products of ones that have: HardSwish(x) = x · HardSigmoid(x; 1/6, 1/2).</summary>
/// <remarks>The engine does the same with the operator when it loads it, so that what stays float is as fast as before. Source: ONNX HardSwish-14.</remarks>
public sealed class ExpandActivationsPass : Pass
{
    /// <inheritdoc/>
    public override string Name => "expand-activations";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (Node node in model.AllNodes().Where(n => n.Is("HardSwish")).ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            string subject = node.ToString();
            Value input = node.Inputs[0]!, result = node.Outputs[0]!;
            Value gate = node.Graph.InsertBefore(node, "HardSigmoid", [input], [$"{result.Name}/gate"], [new("alpha", (NodeAttribute)(1f / 6)), new("beta", (NodeAttribute)0.5f)]).Outputs[0]!;
            gate.Type = result.Type;
            Value product = node.Graph.InsertBefore(node, "Mul", [input, gate], [$"{result.Name}/product"]).Outputs[0]!;
            product.Type = result.Type;
            result.ReplaceAllUsesWith(product);
            node.Remove();
            report.Changed(subject, "is x · HardSigmoid(x)");
        }
        return report;
    }
}
