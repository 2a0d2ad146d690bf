using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Training.Checkpoints;

/// <summary>What a checkpoint belongs to: models, data and every setting that changes the result.</summary>
internal static class CheckpointKey
{
    /// <summary>16 hexadecimal digits.</summary>
    public static string Of(TrainingJob job)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture; // records write their numbers by it
        try
        {
            return XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(Text(job))).ToString("x16", CultureInfo.InvariantCulture);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static string Text(TrainingJob job)
    {
        TrainingSettings settings = job.Settings;
        StringBuilder text = new();
        foreach (Model model in job.Teachers.Prepend(job.Model))
            text.AppendLine(ModelFingerprint.Of(model));
        foreach ((string name, OnnxTensor latent) in job.Latent.OrderBy(l => l.Key, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"{name} {latent.ContentHash()}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{job.Data.Name} {job.Data.Count} {job.Validation?.Count} {settings with { Checkpoint = null, CheckpointSeconds = 0, TimeLimit = null, Threads = 1, Weights = new() }}");
        text.AppendJoin('\n', [.. settings.Weights.Train, "", .. settings.Weights.Freeze, "", .. settings.Weights.FreezeNodes]);
        if (job.Teachers.Count > 0)
        {
            DistillationSettings distillation = job.Distillation ?? new();
            text.AppendLine(CultureInfo.InvariantCulture, $"{distillation with { Features = [], Attention = [] }}").AppendJoin('\n', [.. distillation.Features, null, .. distillation.Attention]);
        }
        foreach (IDataSet? data in new[] { job.Data, job.Validation })
            text.AppendLine().Append(Few(data));
        text.AppendLine(job.Validation is null ? null : job.Metric?.Invoke().Name).AppendJoin('\n', job.Symbols.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key} {s.Value}"));
        return text.ToString();
    }

    /// <summary>The first, the middle and the last sample: other data, or other preprocessing, show in them.</summary>
    private static string Few(IDataSet? data) => data is null or { Count: 0 } ? "" : string.Join(' ', new[] { 0, data.Count / 2, data.Count - 1 }.Distinct()
        .SelectMany(i => data.Read(i) is var sample ? sample.Steps.SelectMany(s => s).Concat(sample.Labels).OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key} {t.Value.ContentHash():x}") : []));
}
