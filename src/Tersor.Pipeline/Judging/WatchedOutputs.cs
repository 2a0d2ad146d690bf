using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Tersor.Onnx;

namespace Tersor.Pipeline.Judging;

/// <summary>Outputs that note which of them are looked at: so it is known what a metric, whosever it is, says nothing about.</summary>
/// <param name="outputs">The outputs.</param>
/// <param name="read">Gets the names of those that are looked at.</param>
internal sealed class WatchedOutputs(IReadOnlyDictionary<string, Tensor> outputs, ISet<string> read) : IReadOnlyDictionary<string, Tensor>
{
    public int Count => outputs.Count;

    public IEnumerable<string> Keys => outputs.Keys;

    public IEnumerable<Tensor> Values => this.Select(o => o.Value);

    public Tensor this[string key] => TryGetValue(key, out Tensor? tensor) ? tensor : throw new KeyNotFoundException($"There is no output '{key}'.");

    public bool ContainsKey(string key) => outputs.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value)
    {
        if (!outputs.TryGetValue(key, out value))
            return false;
        read.Add(key);
        return true;
    }

    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator()
    {
        foreach (KeyValuePair<string, Tensor> output in outputs)
        {
            read.Add(output.Key);
            yield return output;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
