using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>The state of one optimization: the model so far, its outputs, the steps taken.</summary>
internal sealed class OptimizationRun
{
    /// <summary>Stands in the list of steps where the final check refused the result.</summary>
    public const string FinalCheckName = "final-check";

    private readonly Model original, start;
    private readonly RandomSeeds? seeds;
    private readonly GraphOptimizerOptions options;
    private readonly CancellationToken cancellation;
    private readonly List<OptimizationStep> steps = [];
    private readonly HashSet<string> refused = new(StringComparer.Ordinal);
    private readonly HashSet<string> typed;
    private readonly ModelVerifier? verifier;
    private readonly string? notVerified;
    private Model current;
    private IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? outputs;

    public OptimizationRun(Model original, GraphOptimizerOptions options, CancellationToken cancellation)
    {
        (this.original, this.options, this.cancellation) = (original, options, cancellation);
        // What draws random numbers draws the same before and after.
        seeds = RandomSeeds.Fix(original, out start);
        current = start;
        Dictionary<string, long> dimensions = new(options.SampleDimensions);
        foreach ((string name, long[] sizes) in options.FixDimensions.Bindings(original))
            dimensions[name] = sizes[0];
        // Samples must have the sizes asked for: the original is run on what the result will take.
        Model sampled = start;
        if (!options.FixDimensions.IsEmpty && !options.FixDimensions.Problems(original).Any())
        {
            sampled = start.Clone();
            new FixDimensionsPass(options.FixDimensions).Run(sampled, PassContext.None);
        }
        verifier = ModelVerifier.Create(sampled, options.Samples, dimensions, options.Runner, out notVerified);
        outputs = verifier?.Outputs;
        typed = [.. original.AllGraphs().SelectMany(g => g.Nodes).SelectMany(n => n.Outputs).OfType<Value>().Where(v => v.Type is not null).Select(v => v.Name)];
    }

    /// <summary>Runs one pass. True when it changed something that was kept.</summary>
    public bool Step(Pass pass, int round)
    {
        cancellation.ThrowIfCancellationRequested();
        if (refused.Contains(pass.Name))
            return false;
        if (verifier is null && pass.Effect != PassEffect.Structural)
        {
            refused.Add(pass.Name);
            PassReport report = new();
            report.Skip(current.Graph.Name, "nothing could be run to verify it with");
            steps.Add(new(pass.Name, round, report, null, null));
            return false;
        }
        Model trial = current.Clone();
        PassContext context = new() { Cancellation = cancellation, Runner = options.Runner, ValueTypes = TypeInference.Infer(trial, options.Runner) };
        PassReport done;
        try
        {
            done = pass.Run(trial, context);
        }
        catch (Exception e) when (verifier is null && BrokenRules.MayExplain(e))
        {
            // Only a model that the engine refuses, too, may say what makes no sense.
            refused.Add(pass.Name);
            PassReport report = new();
            report.Skip(current.Graph.Name, $"a node breaks the rules of its operator: {e.Message}");
            steps.Add(new(pass.Name, round, report, null, null));
            return false;
        }
        if (done.Changes.Count == 0)
        {
            steps.Add(new(pass.Name, round, done, null, null));
            return false;
        }
        string? objection = Verify(pass, trial, out OutputDifference? difference, out IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? now);
        steps.Add(new(pass.Name, round, done, objection, difference));
        if (objection is not null)
        {
            refused.Add(pass.Name);
            return false;
        }
        (current, outputs) = (trial, now);
        return true;
    }

    public OptimizationResult Finish()
    {
        bool changed = !ReferenceEquals(current, start);
        if (changed)
            RefreshTypes();
        OutputDifference? plain = verifier is null ? null : OutputDifference.None, atDefaults = plain;
        if (verifier is not null && changed && FinalCheck(out plain, out atDefaults) is { } objection)
        {
            steps.Add(new(FinalCheckName, 0, new(), objection, atDefaults ?? plain));
            (current, changed) = (start, false);
            (plain, atDefaults) = (OutputDifference.None, OutputDifference.None);
        }
        if (changed)
            seeds?.Remove(current);
        else
            current = original;
        return new()
        {
            Model = current,
            RandomNodes = seeds?.Nodes ?? [],
            IsChanged = changed,
            NodesBefore = ModelSize.Nodes(original),
            NodesAfter = ModelSize.Nodes(current),
            BytesBefore = ModelSize.Of(original),
            BytesAfter = ModelSize.Of(current),
            Steps = steps,
            VerifiedSamples = verifier?.SampleCount ?? 0,
            NotVerified = verifier is null ? notVerified : null,
            Difference = plain,
            DifferenceAtDefaults = atDefaults,
        };
    }

    /// <summary>First model against last, as written and at the engine's default settings. A difference, in words, or null.</summary>
    private string? FinalCheck(out OutputDifference? plain, out OutputDifference? atDefaults)
    {
        SessionSettings defaults = new();
        (plain, atDefaults) = (null, null);
        IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? before = null;
        try
        {
            before = verifier!.Run(start, defaults);
        }
        catch (RuntimeException)
        {
            // The engine's rewrites cannot cope with the original: nothing to compare with.
        }
        try
        {
            plain = ModelVerifier.Compare(verifier!.Outputs, verifier.Run(current));
            atDefaults = before is null ? null : ModelVerifier.Compare(before, verifier.Run(current, defaults));
        }
        catch (RuntimeException e)
        {
            return $"the result does not run: {e.Message}";
        }
        return !(plain.Relative <= options.Tolerance) ? $"as written, the result differs by {plain.Relative:0.0e0} of the largest output"
            : atDefaults is not null && !(atDefaults.Relative <= options.Tolerance) ? $"at the engine's default settings, the result differs by {atDefaults.Relative:0.0e0} of the largest output"
            : null;
    }

    private string? Verify(Pass pass, Model trial, out OutputDifference? difference, out IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? now)
    {
        (difference, now) = (null, null);
        if (ModelInterface.Difference(start, trial, shapesMayChange: !options.FixDimensions.IsEmpty) is { } change)
            return $"the interface changed: {change}";
        if (verifier is null)
            return null;
        try
        {
            now = verifier.Run(trial);
        }
        catch (RuntimeException e)
        {
            return $"the result does not run: {e.Message}";
        }
        difference = ModelVerifier.Compare(pass.Effect == PassEffect.Structural ? outputs! : verifier.Outputs, now);
        return pass.Effect switch
        {
            PassEffect.Structural when !difference.BitEqual => $"outputs differ by {difference.Relative:0.0e0} of the largest; expected equal bits",
            PassEffect.Arithmetic when !(difference.Relative <= options.Tolerance) => $"outputs differ by {difference.Relative:0.0e0} of the largest; at most {options.Tolerance:0.0e0} is allowed",
            _ => null,
        };
    }

    /// <summary>Inner values whose type the original declared have it declared anew; others have none, as before.</summary>
    private void RefreshTypes()
    {
        IReadOnlyDictionary<Value, OnnxType> types = TypeInference.Infer(current, options.Runner);
        foreach (Graph graph in current.AllGraphs())
        {
            foreach (Value value in graph.Nodes.Where(n => !n.Is("Constant")).SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput))
                value.Type = typed.Contains(value.Name) ? types.GetValueOrDefault(value) ?? (graph.IsMain ? null : value.Type) : null;
        }
        if (options.FixDimensions.IsEmpty)
            return;
        foreach (Value output in current.Graph.Outputs)
        {
            if (types.TryGetValue(output, out OnnxType? inferred) && inferred.AsTensor is { FixedShape: not null } fixedType && output.Type?.AsTensor is { FixedShape: null })
                output.Type = fixedType;
        }
    }
}
