using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Tersor.Data.Descriptions;

/// <summary>Keeps YAML that nests without end, or whose aliases stand for more than any description says, from being built.</summary>
/// <remarks>Nodes are built and compared recursively, and an alias is gone into wherever it stands: both are counted here, event by event.</remarks>
internal static class YamlBounds
{
    /// <summary>Levels of lists and maps. Descriptions have five.</summary>
    public const int MaxDepth = 32;

    /// <summary>Values, lists and maps, those behind aliases counted wherever they are used.</summary>
    public const long MaxNodes = 100_000;

    /// <exception cref="DataException">The text nests deeper, or has more nodes.</exception>
    /// <exception cref="YamlException">It is no YAML.</exception>
    public static void Check(string text, string path)
    {
        using StringReader reader = new(text);
        Parser parser = new(reader);
        Dictionary<string, Size> known = new(StringComparer.Ordinal);
        Stack<(string? Anchor, Size Size)> open = [];
        long nodes = 0;
        while (MoveNext(parser))
        {
            switch (parser.Current)
            {
                case AnchorAlias alias:
                    Add(known.TryGetValue(alias.Value.Value, out Size stands) ? stands : throw Refused(alias, $"'*{alias.Value.Value}' stands for nothing that is complete before it"));
                    break;
                case Scalar scalar:
                    Add(Named(scalar, new(1, 0)));
                    break;
                case SequenceStart or MappingStart:
                    Count(1, 1);
                    open.Push((AnchorOf((NodeEvent)parser.Current), new(1, 1)));
                    break;
                case SequenceEnd or MappingEnd:
                    (string? anchor, Size size) = open.Pop();
                    if (anchor is not null)
                        known[anchor] = size;
                    PutInto(size);
                    break;
            }
        }

        void Add(Size size)
        {
            Count(size.Nodes, size.Height);
            PutInto(size);
        }

        // Nodes that begin here.
        void Count(long more, int height)
        {
            nodes += more;
            if (nodes > MaxNodes)
                throw Refused(parser.Current!, $"there are more than {MaxNodes} values, those behind aliases counted wherever they are used");
            if (open.Count + height > MaxDepth)
                throw Refused(parser.Current!, $"lists and maps nest deeper than {MaxDepth} levels");
        }

        // What is complete belongs to the list or map it stands in.
        void PutInto(Size size)
        {
            if (open.TryPop(out (string? Anchor, Size Size) around))
                open.Push((around.Anchor, new(around.Size.Nodes + size.Nodes, Math.Max(around.Size.Height, size.Height + 1))));
        }

        Size Named(NodeEvent node, Size size)
        {
            if (AnchorOf(node) is { } anchor)
                known[anchor] = size;
            return size;
        }

        DataException Refused(ParsingEvent at, string why) => new($"{path}:{at.Start.Line}: {why}; expected a description of a data set.");
    }

    /// <summary>The next event. A list or map that is not ended can confuse the parser, which then says neither what is wrong nor where.</summary>
    private static bool MoveNext(Parser parser)
    {
        try
        {
            return parser.MoveNext();
        }
        catch (InvalidOperationException)
        {
            Mark at = parser.Current?.End ?? Mark.Empty;
            throw new YamlException(at, at, "What follows is no key with a value.");
        }
    }

    private static string? AnchorOf(NodeEvent node) => node.Anchor.IsEmpty ? null : node.Anchor.Value;

    /// <param name="Nodes">Values, lists and maps in it, itself included.</param>
    /// <param name="Height">Levels of lists and maps in it, itself included.</param>
    private readonly record struct Size(long Nodes, int Height);
}
