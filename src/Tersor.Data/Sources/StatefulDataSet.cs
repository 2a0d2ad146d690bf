using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Adds constant inputs to every step and states to the first.</summary>
internal sealed class StatefulDataSet(IDataSet inner, IReadOnlyDictionary<string, Tensor> constants, IReadOnlyDictionary<string, Tensor> states, IReadOnlyDictionary<string, string> feedback)
    : IDataSet, IStratified
{
    public string Name => inner.Name;

    public int Count => inner.Count;

    public IReadOnlyDictionary<string, string> Feedback => feedback;

    public Sample Read(int index)
    {
        Sample sample = inner.Read(index);
        IReadOnlyDictionary<string, Tensor>[] steps = [.. sample.Steps.Select((step, i) => Union(step, constants, i == 0 ? states : new Dictionary<string, Tensor>()))];
        return sample with { Steps = steps };
    }

    public string? Stratum(int index) => Strata.Of(inner, index);

    private static Dictionary<string, Tensor> Union(params IReadOnlyDictionary<string, Tensor>[] parts)
    {
        Dictionary<string, Tensor> union = [];
        foreach ((string name, Tensor tensor) in parts.SelectMany(p => p))
            union[name] = tensor;
        return union;
    }
}
