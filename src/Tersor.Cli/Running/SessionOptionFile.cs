using System.Text.Json;
using System.Text.Json.Serialization;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Runtime;

namespace Tersor.Cli.Running;

/// <summary>Session options that belong to a model, beside it: <c>int8.session.json</c> beside <c>int8.onnx</c>, for programs that load it with ONNX Runtime themselves.</summary>
internal static partial class SessionOptionFile
{
    /// <summary>Writes the file, or removes the one of an earlier model of the same name.</summary>
    public static void Write(string modelPath, Model model)
    {
        string path = PathFor(modelPath);
        IReadOnlyDictionary<string, string> options = CarriedOptions.Of(model.Metadata);
        if (options.Count > 0)
            OutputFile.WriteText(path, writer => writer.WriteLine(JsonSerializer.Serialize(options, OptionJson.Default.IReadOnlyDictionaryStringString)));
        else if (File.Exists(path))
            File.Delete(path);
    }

    /// <summary>Where those of a model lie.</summary>
    public static string PathFor(string modelPath) => Path.ChangeExtension(modelPath, ".session.json");

    [JsonSourceGenerationOptions(WriteIndented = true)]
    [JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
    private sealed partial class OptionJson : JsonSerializerContext;
}
