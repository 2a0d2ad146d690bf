using System.Runtime.CompilerServices;
using Tersor.Onnx.Files;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tersor.Data.Descriptions;

/// <summary>One YAML file and the problems found in it.</summary>
internal sealed class YamlDocumentReader
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Problems that are told at once.</summary>
    private const int MostTold = 50;

    private readonly string file;
    private readonly List<(long Line, string Text)> problems = [];
    private readonly ConditionalWeakTable<YamlNode, YamlNode> places = [];

    private YamlDocumentReader(string file) => this.file = file;

    /// <summary>Reads a file with <paramref name="read"/>, then reports everything that was wrong in it.</summary>
    /// <exception cref="DataException">Not readable, not YAML, or with problems.</exception>
    public static T Read<T>(string path, Func<YamlMap, T> read)
    {
        YamlDocumentReader document = new(path);
        T result = Sources.Files.Read(path, _ => read(new(document, "", document.Load())));
        if (document.problems.Count == 0)
            return result;
        string[] told = [.. document.problems.OrderBy(p => p.Line).Select(p => p.Text).Distinct()];
        if (told.Length > MostTold)
            told = [.. told[..MostTold], $"... and {told.Length - MostTold} more"];
        throw new DataException(string.Join(Environment.NewLine, told));
    }

    public string At(YamlNode node) => $"{file}:{Line(node)}";

    public void Problem(YamlNode node, string message) => problems.Add((Line(node), $"{At(node)}: {message}"));

    public void Stands(YamlNode made, YamlNode place) => places.Add(made, place);

    private long Line(YamlNode node) => (places.TryGetValue(node, out YamlNode? place) ? place : node).Start.Line;

    private YamlMappingNode Load()
    {
        using StreamReader bytes = new(new MemoryStream(InputFile.ReadAll(file, MaxBytes)));
        string text = bytes.ReadToEnd();
        YamlStream stream = [];
        try
        {
            YamlBounds.Check(text, file);
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new DataException($"{file}:{e.Start.Line}: not valid YAML: {e.InnerException?.Message ?? e.Message}", e);
        }
        return stream.Documents.FirstOrDefault()?.RootNode as YamlMappingNode
            ?? throw new DataException($"{file}:1: expected keys with values, such as 'source: ...'.");
    }
}
