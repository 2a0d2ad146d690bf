using Tersor.Compression.Constraints;
using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>How far a pass may change what the model computes, and so how it is verified.</summary>
public enum PassEffect
{
    /// <summary>Moves and removes, computes the same numbers: outputs stay equal bit for bit.</summary>
    Structural,

    /// <summary>Equal in exact arithmetic, rounded differently: outputs stay within 1e-4 of the largest output.</summary>
    Arithmetic,

    /// <summary>Approximates: outputs are judged by a metric.</summary>
    Lossy,
}

/// <summary>One change to a model: check, change, report.</summary>
/// <remarks>A pass edits the model it is given; who wants to be able to go back gives it a clone. The same model, options and context give the same result.
/// What a weight is constrained to goes with the weight; a constraint that a pass cannot keep is in its report.</remarks>
public abstract class Pass
{
    /// <summary>Its name on the command line, in recipes, in reports.</summary>
    public abstract string Name { get; }

    /// <summary>How far it may change what the model computes.</summary>
    public abstract PassEffect Effect { get; }

    /// <summary>Why it cannot run on this model, in words; empty when it can.</summary>
    public virtual IEnumerable<string> Problems(Model model, PassContext context) => [];

    /// <summary>Runs it.</summary>
    /// <exception cref="CompressionException">It cannot run on this model; the message has every reason.</exception>
    public PassReport Run(Model model, PassContext context)
    {
        string[] problems = [.. Problems(model, context)];
        if (problems.Length > 0)
            throw new CompressionException($"Pass '{Name}' cannot run: {string.Join(" ", problems)}") { Pass = Name };
        context.Cancellation.ThrowIfCancellationRequested();
        ConstraintCheck constraints = new(model);
        PassReport report = Apply(model, context);
        constraints.Report(model, report);
        return report;
    }

    /// <summary>Changes the model and says what was changed and what was left alone.</summary>
    protected abstract PassReport Apply(Model model, PassContext context);
}
