using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Tersor.Compression.Training;
using Tersor.Onnx;

namespace Tersor.Training.Checkpoints;

/// <summary>What a checkpoint belongs to: models, data and every setting that changes the result.</summary>
internal static class CheckpointKey
{
    /// <summary>16 hexadecimal digits.</summary>
    public static string Of(TrainingJob job)
    {
        TrainingSettings settings = job.Settings;
        StringBuilder text = new();
        foreach (Model model in job.Teachers.Prepend(job.Model))
            text.AppendLine(ModelFingerprint.Of(model));
        foreach ((string name, OnnxTensor latent) in job.Latent.OrderBy(l => l.Key, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"{name} {latent.ContentHash()}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{job.Data.Name} {job.Data.Count} {job.Validation?.Count} {settings with { Checkpoint = null, CheckpointSeconds = 0, Threads = 1, Weights = new() }}");
        text.AppendJoin('\n', [.. settings.Weights.Train, "", .. settings.Weights.Freeze, "", .. settings.Weights.FreezeNodes]);
        if (job.Teachers.Count > 0)
        {
            DistillationSettings distillation = job.Distillation ?? new();
            text.AppendLine(CultureInfo.InvariantCulture, $"{distillation with { Features = [], Attention = [] }}").AppendJoin('\n', [.. distillation.Features, null, .. distillation.Attention]);
        }
        return XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(text.ToString())).ToString("x16", CultureInfo.InvariantCulture);
    }
}
