using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Errors that were measured before, on disk: a line is added as each is measured, so that a search that was killed goes on where it was.</summary>
internal sealed class SensitivityCache
{
    private readonly Dictionary<string, double> known = new(StringComparer.Ordinal);
    private readonly string? path;

    /// <param name="folder">Where caches lie; null keeps nothing.</param>
    /// <param name="parts">Everything the errors depend on; other parts are another cache.</param>
    public SensitivityCache(string? folder, IEnumerable<byte[]> parts)
    {
        if (folder is null)
            return;
        XxHash128 hash = new();
        foreach (byte[] part in parts)
            hash.Append(part);
        path = Path.Combine(folder, $"sensitivity-{Convert.ToHexStringLower(hash.GetCurrentHash())}.tsv");
        try
        {
            Directory.CreateDirectory(folder);
            foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
            {
                // The last line of a killed run may be cut off.
                if (line.Split('\t') is [var key, var text, "."] && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double noise))
                    known[key] = noise;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            path = null; // a cache that cannot be kept is none
        }
    }

    /// <summary>The cache of everything that the error of a layer depends on.</summary>
    /// <param name="folder">Where caches lie; null keeps nothing.</param>
    /// <param name="form">Whose layers are ranked.</param>
    /// <param name="samples">Samples they are ranked on.</param>
    public static SensitivityCache For(string? folder, StaticForm form, IDataSet samples)
    {
        return new(folder, folder is null ? [] : Parts());

        IEnumerable<byte[]> Parts()
        {
            QuantizationNumbers numbers = form.Numbers;
            yield return Encoding.UTF8.GetBytes($"{ModelFingerprint.Of(form.Calibrated.Model)}\n{numbers.Format}\n{numbers.StandardOperatorsOnly}\n{MachineInfo.Here().Engine}\n{form.Candidate.Signature}");
            foreach ((string name, ActivationRange range) in numbers.Ranges.OrderBy(r => r.Key, StringComparer.Ordinal))
                yield return Encoding.UTF8.GetBytes($"{name}\t{range.Low:R}\t{range.High:R}\n");
            foreach ((string name, float[] scales) in numbers.WeightScales.OrderBy(w => w.Key, StringComparer.Ordinal))
                yield return [.. Encoding.UTF8.GetBytes(name), .. scales.SelectMany(BitConverter.GetBytes)];
            foreach (RepairedConstant constant in numbers.Repaired)
                yield return BitConverter.GetBytes(constant.Tensor.ContentHash());
            foreach (Tensor tensor in samples.Samples().SelectMany(s => s.Steps).SelectMany(s => s.Values))
                yield return BitConverter.GetBytes(tensor.ContentHash());
        }
    }

    /// <summary>The error of a part, measured if it is not known.</summary>
    public double Get(string part, Func<double> measure)
    {
        string key = Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(part)));
        if (known.TryGetValue(key, out double noise))
            return noise;
        known[key] = noise = measure();
        try
        {
            if (path is not null)
                File.AppendAllText(path, string.Create(CultureInfo.InvariantCulture, $"{key}\t{noise:R}\t.\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk costs the cache, not the search.
        }
        return noise;
    }
}
