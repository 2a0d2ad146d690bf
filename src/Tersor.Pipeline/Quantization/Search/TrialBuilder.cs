using Tersor.Compression;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>Builds models to try and judges them whole. Where what is only stored small breaks the budget, as much of it as does not is stored small.</summary>
internal sealed class TrialBuilder(SearchInputs inputs)
{
    /// <summary>Makes a model, except that nodes stay as exact as they are for which a reason is given.</summary>
    public delegate (Model Model, PassReport Report) Maker(Func<Node, string?> keepFloat, CancellationToken cancellation);

    /// <summary>A trial within the budget, if leaving weights exact makes it so.</summary>
    /// <param name="name">What is special about it.</param>
    /// <param name="mode">Where its ranges come from.</param>
    /// <param name="make">Makes the model; asked again with other nodes.</param>
    /// <param name="cancellation">Stops it.</param>
    public Trial Build(string name, QuantizationMode mode, Maker make, CancellationToken cancellation)
    {
        Dictionary<string, long> parts = [];
        (Model model, PassReport report) = make(Seen, cancellation);
        Trial full = new(name, mode, model, report, inputs.Judge.Decide(model, cancellation));
        return LargestFitting.Find(full, [.. parts.OrderByDescending(p => p.Value).Select(p => p.Key)], Without, exact => inputs.Noise.Value.Of(Make(exact).Model, cancellation), inputs.Time, cancellation);

        string? Seen(Node node)
        {
            if (node.Output(0) is { } output)
                parts[output.Name] = node.Inputs.Sum(i => i?.Constant?.ByteLength ?? 0);
            return null;
        }

        (Model Model, PassReport Report) Make(IReadOnlySet<string> exact) =>
            make(node => node.Output(0) is { } output && exact.Contains(output.Name) ? "in 8 bits it would break the budget" : null, cancellation);

        Trial Without(IReadOnlySet<string> exact)
        {
            (Model model, PassReport report) = Make(exact);
            return new(name, mode, model, report, inputs.Judge.Decide(model, cancellation)) { Exact = exact };
        }
    }

    /// <summary>A trial of a statically quantized model, the weights of what stays float stored small.</summary>
    public Trial Build(StaticForm form, CancellationToken cancellation) => Build(form.Candidate.Name, QuantizationMode.Static, (keepFloat, stop) =>
    {
        Model model = form.Build(out PassReport report);
        inputs.StoreWeights(model, report, keepFloat, stop);
        return (model, report);
    }, cancellation) with
    { Static = form, FloatLayers = form.FloatLayers };
}
