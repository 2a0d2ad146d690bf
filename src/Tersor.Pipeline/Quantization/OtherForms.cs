using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Onnx.Opsets;

namespace Tersor.Pipeline.Quantization;

/// <summary>Makes the forms of a quantized model that need no calibration data: products with ranges found at run time, and weights that are only stored small.</summary>
/// <param name="settings">Numbers, and what stays float.</param>
/// <param name="rewritten">The float model rewritten for the engine, made when it is first asked for.</param>
internal sealed class OtherForms(QuantizeSettings settings, Lazy<Model> rewritten)
{
    /// <summary>Why a node stays float by the user's choice; null: it need not.</summary>
    public required Func<Node, string?> ByUser { get; init; }

    /// <summary>Products in 8 bits with ranges found at run time; other weights stored small.</summary>
    public (Model Model, PassReport Report) Dynamic(Func<Node, string?> keepFloat, CancellationToken cancellation)
    {
        Model copy = PreparedModel.Of(rewritten.Value, QuantizeDynamicPass.RequiredOpset);
        PassReport report = new QuantizeDynamicPass(new()
        {
            MinElements = settings.MinElements,
            KeepFloat = n => ByUser(n) ?? keepFloat(n),
            WeightLimit = (settings.Format ?? EngineRules.For(settings.Target).Format).WeightLimit,
            StandardOperatorsOnly = settings.StandardOperatorsOnly,
        }).Run(copy, new() { Cancellation = cancellation });
        StoreWeights(copy, report, keepFloat, cancellation);
        return (copy, report);
    }

    /// <summary>Whether anything of a model is quantized at run time: otherwise its weights are stored small, and that is all.</summary>
    public static bool HasDynamic(Model model) => model.AllNodes().Any(n => n.OpType is "MatMulInteger" or "DynamicQuantizeLSTM");

    /// <summary>Weights stored small, everything computed in float.</summary>
    public (Model Model, PassReport Report) Weights(Func<Node, string?> keepFloat, CancellationToken cancellation)
    {
        QuantizeWeightsOptions options = Stored(keepFloat);
        Model copy = PreparedModel.Of(rewritten.Value, options.RequiredOpset);
        return (copy, new QuantizeWeightsPass(options).Run(copy, new() { Cancellation = cancellation }));
    }

    /// <summary>Stores weights small that compute in float, where that is wanted.</summary>
    public void StoreWeights(Model model, PassReport report, Func<Node, string?> keepFloat, CancellationToken cancellation)
    {
        if (!settings.StoreWeights)
            return;
        QuantizeWeightsOptions options = Stored(keepFloat);
        OpsetRaiser.Raise(model, Math.Max(model.Opset, options.RequiredOpset));
        PassReport stored = new QuantizeWeightsPass(options).Run(model, new() { Cancellation = cancellation });
        foreach (PassChange change in stored.Changes)
            report.Changed(change.Subject, change.What);
        foreach (PassSkip skip in stored.Skipped)
            report.Skip(skip.Subject, $"stays stored as it is: {skip.Reason}");
    }

    /// <summary>In the bits that were asked for, by settings or plan, or in 8.</summary>
    private QuantizeWeightsOptions Stored(Func<Node, string?> keepFloat) => new() { Bits = settings.Plan?.StoredWeightBits ?? settings.StoredBits, KeepFloat = n => ByUser(n) ?? keepFloat(n) };
}
