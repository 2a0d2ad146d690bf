using Tersor.Compression;
using Tersor.Compression.Quantization.Repair;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>Repairs that change the float model before it is quantized, and keep what it computes.</summary>
internal static class ModelRepairs
{
    /// <summary>Whether a repair is one of these.</summary>
    public static bool Has(string repair) => repair is RepairNames.Equalize or RepairNames.Migrate;

    /// <summary>A repaired copy; null when there was nothing to change.</summary>
    /// <param name="repair">Its name.</param>
    /// <param name="model">The calibrated model.</param>
    public static Model? Apply(string repair, CalibratedModel model)
    {
        Model copy = model.Model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Dictionary<Value, double[]> maxima = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach ((Value value, float[] channels) in model.ChannelMaxima)
            maxima[copies[value]] = Array.ConvertAll(channels, m => (double)m);
        Pass pass = repair == RepairNames.Equalize ? new EqualizeLayersPass(new()) : new MigrateActivationScalesPass(new(), v => maxima.GetValueOrDefault(v));
        return pass.Run(copy, PassContext.None).Changes.Count > 0 ? copy : null;
    }
}
