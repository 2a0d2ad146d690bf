using Tersor.Compression;
using Tersor.Compression.Quantization.Repair;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>Repairs that change the float model before it is quantized, and keep what it computes.</summary>
internal static class ModelRepairs
{
    /// <summary>Whether a repair is one of these.</summary>
    public static bool Has(string repair) => repair is RepairNames.Equalize or RepairNames.Migrate;

    /// <summary>The model with several repairs, one after the other, its values not observed anew.</summary>
    /// <param name="repairs">Their names.</param>
    /// <param name="model">The model; calibrated or not.</param>
    /// <param name="calibrating">The calibration samples; null where no repair needs them.</param>
    /// <param name="cancellation">Stops it.</param>
    public static CalibratedModel Apply(IEnumerable<string> repairs, CalibratedModel model, IDataSet? calibrating, CancellationToken cancellation)
    {
        foreach (string repair in repairs)
        {
            if (repair == RepairNames.Migrate)
                model = model.Calibrate(RepairSearch.TrialSamplesOf(calibrating!), threads: 1, null, cancellation);
            if (Apply(repair, model) is { } changed)
                model = model.For(changed, cancellation);
        }
        return model;
    }

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
