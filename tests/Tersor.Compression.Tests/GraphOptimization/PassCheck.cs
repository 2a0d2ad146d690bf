using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

/// <summary>Runs a pass on a copy of a model, in the open, in an If and in a function, and requires the outputs to stay what they were.</summary>
internal static class PassCheck
{
    /// <summary>The passes that make a pass's work visible elsewhere: they lift constants and remove what is left over.</summary>
    public static (Model Model, PassReport Report) Run(Pass pass, Model model)
    {
        Model changed = model.Clone();
        PassReport report = pass.Run(changed, new() { ValueTypes = TypeInference.Infer(changed, InProcessRunner.Instance) });
        ModelVerifier verifier = ModelVerifier.Create(model, null, null, InProcessRunner.Instance, out string? reason) ?? throw new InvalidOperationException(reason);
        OutputDifference difference = ModelVerifier.Compare(verifier.Outputs, verifier.Run(changed));
        Assert.True(pass.Effect == PassEffect.Structural ? difference.BitEqual : difference.Relative <= 1e-5, $"{pass.Name}: outputs differ by {difference.Relative}");
        Assert.Null(ModelInterface.Difference(model, changed));
        return (changed, report);
    }

    /// <summary>Requires as many nodes of an operator to be left in every place.</summary>
    public static void Leaves(Pass pass, Model model, string opType, int count, bool inFunctions = true)
    {
        foreach ((string place, Model placed) in Places(model, inFunctions))
        {
            (Model changed, PassReport report) = Run(pass, placed);
            Assert.True(count == Count(changed, opType), $"{Count(changed, opType)} {opType} left {place}; expected {count}. Skipped: {string.Join("; ", report.Skipped)}");
        }
    }

    /// <summary>Requires the pass to change nothing in any place, and to say why.</summary>
    public static void LeavesAlone(Pass pass, Model model, string reason, bool inFunctions = true)
    {
        foreach ((string place, Model placed) in Places(model, inFunctions))
        {
            PassReport report = Run(pass, placed).Report;
            Assert.True(report.Changes.Count == 0, $"changed {place}: {string.Join("; ", report.Changes)}");
            Assert.True(report.Skipped.Any(s => s.Reason.Contains(reason, StringComparison.Ordinal)), $"Not said {place}: '{reason}', but {string.Join("; ", report.Skipped)}");
        }
    }

    /// <summary>The same for a model that need not run.</summary>
    public static void Refuses(Pass pass, Model model, string reason)
    {
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Empty(report.Changes);
        Assert.True(report.Skipped.Any(s => s.Reason.Contains(reason, StringComparison.Ordinal)), $"Not said: '{reason}', but {string.Join("; ", report.Skipped)}");
    }

    /// <summary>The model after the pass, required to be left alone by a second run.</summary>
    public static Model Settles(Pass pass, Model model)
    {
        Model changed = Run(pass, model).Model;
        PassReport again = Run(pass, changed).Report;
        Assert.True(again.Changes.Count == 0, string.Join("; ", again.Changes));
        return changed;
    }

    public static int Count(Model model, string opType) => model.AllNodes().Count(n => n.OpType == opType);

    public static IEnumerable<(string Place, Model Model)> Places(Model model, bool inFunctions = true)
    {
        yield return ("in the open", model);
        yield return ("in an If", Wrapping.InIf(model, conditionAsInput: true));
        if (inFunctions)
            yield return ("in a function", Wrapping.InFunction(model));
    }
}
