using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

namespace Tersor.Samples;

/// <summary>Loading a quantized model with ONNX Runtime alone.</summary>
public static class LoadingElsewhere
{
    public static int CountOutputs(string path)
    {
        #region session-options
        using SessionOptions options = new();
        string side = Path.ChangeExtension(path, ".session.json"); // there only where options pay
        if (File.Exists(side))
        {
            foreach ((string key, string value) in JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(side))!)
                options.AddSessionConfigEntry(key, value);
        }
        using InferenceSession session = new(path, options);
        #endregion
        return session.OutputNames.Count;
    }
}
