using Tersor.Compression.Quantization.Emission;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Storage;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>Static quantization: weights become integers, and activations get a scale and a zero point from ranges that were observed before.</summary>
/// <remarks>Source: Jacob et al. 2018, arXiv:1712.05877, sections 2 and 3; Krishnamoorthi 2018, arXiv:1806.08342.</remarks>
/// <param name="placement">What is quantized, as values and nodes of the model the pass is run on.</param>
/// <param name="numbers">Ranges of the activations, formats, weight scales.</param>
public sealed class QuantizeStaticPass(QuantizationPlacement placement, StaticNumbers numbers) : Pass
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
        if (model.Opset < numbers.Format.RequiredOpset)
            yield return $"The model is written in opset {model.Opset}; {numbers.Format.RequiredOpset} or more is needed. Raise it first.";
        foreach (string problem in numbers.Format.Problems())
            yield return problem;
    }

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (PassSkip skip in placement.Skipped)
            report.Skip(skip.Subject, skip.Reason);
        new QdqEmitter(placement, numbers, report).Emit();
        model.RemoveUnusedInitializers();
        SharedStorage.Merge(model);
        return report;
    }
}
