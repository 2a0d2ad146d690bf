using Tersor.Compression.Quantization.Emission;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>Static 8-bit quantization: weights become integers, and activations get a scale and a zero point from ranges that were observed before.</summary>
/// <remarks>Source: Jacob et al. 2018, arXiv:1712.05877, sections 2 and 3; Krishnamoorthi 2018, arXiv:1806.08342.</remarks>
/// <param name="placement">What runs in 8 bits, as values and nodes of the model the pass is run on.</param>
/// <param name="rangeOf">The range of each activation in <see cref="QuantizationPlacement.Activations"/>.</param>
public sealed class QuantizeStaticPass(QuantizationPlacement placement, Func<Value, (double Low, double High)> rangeOf) : Pass
{
    internal const string PassName = "quantize-static";

    /// <summary>Oldest version of ONNX's operator set with scales per channel.</summary>
    public const long RequiredOpset = 13;

    /// <inheritdoc/>
    public override string Name => PassName;

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Lossy;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems(Model model, PassContext context)
    {
        if (model.Opset < RequiredOpset)
            yield return $"The model is written in opset {model.Opset}; {RequiredOpset} or more is needed. Raise it first.";
    }

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (PassSkip skip in placement.Skipped)
            report.Skip(skip.Subject, skip.Reason);
        new QdqEmitter(placement, new RangePlan(placement, rangeOf), report).Emit();
        model.RemoveUnusedInitializers();
        return report;
    }
}
