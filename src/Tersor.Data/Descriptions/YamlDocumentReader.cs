using System.Runtime.CompilerServices;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tersor.Data.Descriptions;

/// <summary>One YAML file and the problems found in it.</summary>
internal sealed class YamlDocumentReader
{
    private const long MaxBytes = 1 << 20;

    private readonly string file;
    private readonly List<(long Line, string Text)> problems = [];
    private readonly ConditionalWeakTable<YamlNode, YamlNode> places = [];

    private YamlDocumentReader(string file) => this.file = file;

    /// <summary>Reads a file with <paramref name="read"/>, then reports everything that was wrong in it.</summary>
    /// <exception cref="DataException">Not readable, not YAML, or with problems.</exception>
    public static T Read<T>(string path, Func<YamlMap, T> read)
    {
        YamlDocumentReader document = new(path);
        T result = read(new(document, "", document.Load()));
        return document.problems.Count == 0
            ? result
            : throw new DataException(string.Join(Environment.NewLine, document.problems.OrderBy(p => p.Line).Select(p => p.Text).Distinct()));
    }

    public string At(YamlNode node) => $"{file}:{Line(node)}";

    public void Problem(YamlNode node, string message) => problems.Add((Line(node), $"{At(node)}: {message}"));

    public void Stands(YamlNode made, YamlNode place) => places.Add(made, place);

    private long Line(YamlNode node) => (places.TryGetValue(node, out YamlNode? place) ? place : node).Start.Line;

    private YamlMappingNode Load() => Sources.Files.Read(file, path =>
    {
        if (new FileInfo(path).Length > MaxBytes)
            throw new DataException($"File '{path}' has more than {MaxBytes} bytes; expected a description of a data set.");
        using StreamReader reader = new(path);
        YamlStream stream = [];
        try
        {
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            throw new DataException($"{path}:{e.Start.Line}: not valid YAML: {e.InnerException?.Message ?? e.Message}", e);
        }
        return stream.Documents.FirstOrDefault()?.RootNode as YamlMappingNode
            ?? throw new DataException($"{path}:1: expected keys with values, such as 'source: ...'.");
    });
}
