using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Sees to it that the engine computes what a quantized file says: where its rewrites make something else of a placement, the placement is changed.</summary>
internal sealed class AgreementSearch(SearchInputs inputs)
{
    /// <summary>How often a placement is changed before it is given up.</summary>
    private const int Rounds = 3;

    /// <summary>Samples that both runs are compared on.</summary>
    private const int Samples = 2;

    private readonly IReadOnlyList<Sample> samples = [.. inputs.Samples.Held.Take(Samples).Samples()];
    private readonly SessionSettings session = new();

    /// <summary>How far the engine's optimized run of a model is from the run as it is written.</summary>
    public EngineAgreementResult Of(Model model, CancellationToken cancellation) => EngineAgreement.Measure(model, samples, session, inputs.Original, inputs.Samples.Held.Feedback, cancellation);

    /// <summary>The form, without those of its operators that the engine computes otherwise than the file says.</summary>
    public StaticForm Agreeing(StaticForm form, CancellationToken cancellation)
    {
        for (int round = 0; round < Rounds; round++)
        {
            Model model = form.Build(out _);
            if (Of(model, cancellation).Agrees)
                break;
            HashSet<string> culprits = [.. EngineAgreement.Culprits(model, samples[0], session, cancellation).Select(c => c.Node.Name)];
            QuantizationUnit[] own = [.. form.Candidate.Placement.Units.Where(u => culprits.Contains(u.Anchor.Name))];
            // A node that is float already is kept apart from the 8-bit values around it.
            QuantizationUnit[] units = own.Length > 0 ? own : [.. form.Candidate.Placement.Units.Where(u => u.Outputs.SelectMany(v => v.Uses).Any(use => culprits.Contains(use.Node.Name)))];
            if (units.Length == 0)
                break;
            QuantizationPlacement placement = form.Candidate.Placement.Only(u => !units.Contains(u), _ => "in 8 bits, the engine would compute something else here than the file says");
            form = form with { Candidate = form.Candidate with { Placement = placement, Dynamic = form.Candidate.Dynamic.Count > 0 ? PlacementSearch.Dynamic(placement) : form.Candidate.Dynamic } };
        }
        return form;
    }
}
