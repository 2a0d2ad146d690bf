using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Values of one graph whose channels must have one layout, because operators tie them together element by element.</summary>
internal sealed class ChannelClass(int channels)
{
    /// <summary>Number of channels before anything is added.</summary>
    public int Channels { get; } = channels;

    public List<Value> Values { get; } = [];

    /// <summary>Concats of channels that make one of the values: their parts decide the layout.</summary>
    public List<Node> Concats { get; } = [];

    /// <summary>Why the channels must stay as they are; null when they may change.</summary>
    public string? Frozen { get; set; }

    /// <summary>The layout chosen; null until then.</summary>
    public ChannelLayout? Layout { get; set; }
}
