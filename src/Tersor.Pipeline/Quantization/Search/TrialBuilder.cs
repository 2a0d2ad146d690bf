using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>Builds models to try and judges them whole. Where what is only stored small breaks the budget, as much of it as does not is stored small.</summary>
internal sealed class TrialBuilder(SearchInputs inputs)
{
    private readonly AgreementSearch agreement = new(inputs);

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
        Trial full = Judged(make(Seen, cancellation));
        return LargestFitting.Find(full, [.. parts.OrderByDescending(p => p.Value).Select(p => p.Key)], Without, exact => inputs.Noise.Value.Of(Make(exact).Model, cancellation), inputs.Time, cancellation);

        string? Seen(Node node)
        {
            if (node.Output(0) is { } output)
                parts[output.Name] = node.Inputs.Sum(i => i?.Constant?.ByteLength ?? 0);
            return null;
        }

        (Model Model, PassReport Report) Make(IReadOnlySet<string> exact) =>
            make(node => node.Output(0) is { } output && exact.Contains(output.Name) ? "in 8 bits it would break the budget" : null, cancellation);

        Trial Without(IReadOnlySet<string> exact) => Judged(Make(exact)) with { Exact = exact };

        Trial Judged((Model Model, PassReport Report) made)
        {
            LargeConstants.MoveOut(made.Model); // most trials are judged, timed and dropped
            Verdict verdict = inputs.Judge.Decide(made.Model, cancellation);
            // Whatever a file is judged by is what this engine makes of it today: it has to be what the file says, too.
            if (verdict.Fits && !agreement.Of(made.Model, cancellation).Agrees)
                verdict = verdict with { Fit = Fit.Beyond, Reason = "the engine computes something else than the file says" };
            return new(name, mode, made.Model, made.Report, verdict);
        }
    }

    /// <summary>A trial of a statically quantized model, the weights of what stays float stored small.</summary>
    public Trial Build(StaticForm form, CancellationToken cancellation)
    {
        StaticForm agreeing = agreement.Agreeing(form, cancellation);
        Trial trial = Build(form.Candidate.Name, QuantizationMode.Static, Make, cancellation);
        return trial with { Static = agreeing, FloatLayers = agreeing.FloatLayers };

        (Model, PassReport) Make(Func<Node, string?> keepFloat, CancellationToken stop)
        {
            Model model = agreeing.Build(out PassReport report);
            inputs.StoreWeights(model, report, keepFloat, stop);
            return (model, report);
        }
    }
}
