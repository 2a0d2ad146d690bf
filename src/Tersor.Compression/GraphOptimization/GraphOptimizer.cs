using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Runs the graph passes until none changes anything, each on a clone, verified on sample input and dropped where the outputs differ.</summary>
public sealed class GraphOptimizer(GraphOptimizerOptions options)
{
    /// <summary>Optimizes a model. The given model is not changed.</summary>
    /// <exception cref="CompressionException">The options do not fit the model.</exception>
    public OptimizationResult Run(Model original, CancellationToken cancellation = default)
    {
        OptimizationResult result = Run(original, options, cancellation);
        if (result.BytesAfter > options.MaxGrowth * result.BytesBefore)
        {
            // Folding or inlining cost bytes after all: once more, storing only what is no larger than what it replaces.
            result = Run(original, options with { Without = [.. options.Without, "inline-functions"], FoldConstants = options.FoldConstants with { Growth = 0, SmallBytes = 0 } }, cancellation);
        }
        if (IsRefused(result))
        {
            OptimizationResult structural = Run(original, options with { Without = [.. options.Without, "fold-batch-normalization"] }, cancellation);
            result = IsRefused(structural) ? result : structural with { Steps = [.. result.Steps, .. structural.Steps] };
        }
        return result.BytesAfter <= options.MaxGrowth * result.BytesBefore || !options.FixDimensions.IsEmpty ? result
            : result with
            {
                Steps = [.. result.Steps, new(OptimizationRun.FinalCheckName, 0, new(), $"the file would grow from {result.BytesBefore} to {result.BytesAfter} bytes, beyond {options.MaxGrowth:0.##} times", null)],
                Model = original,
                IsChanged = false,
                NodesAfter = result.NodesBefore,
                BytesAfter = result.BytesBefore,
                Difference = null,
                DifferenceAtDefaults = null,
            };
    }

    private static bool IsRefused(OptimizationResult result) => result.Steps is [.., { Pass: OptimizationRun.FinalCheckName }];

    private static OptimizationResult Run(Model original, GraphOptimizerOptions options, CancellationToken cancellation)
    {
        OptimizationRun run = new(original, options, cancellation);
        if (!options.FixDimensions.IsEmpty)
            run.Step(new FixDimensionsPass(options.FixDimensions), 0);
        Pass[] passes = [.. Passes(options).Where(p => !options.Without.Contains(p.Name))];
        bool again = true;
        for (int round = 1; again && round <= options.MaxRounds; round++)
        {
            again = false;
            foreach (Pass pass in passes)
                again |= run.Step(pass, round);
        }
        return run.Finish();
    }

    private static IEnumerable<Pass> Passes(GraphOptimizerOptions options)
    {
        bool engine = options.Level >= OptimizationLevel.Engine;
        List<Pass> passes = [new InlineFunctionsPass(), new LiftConstantsPass(options.LiftConstants), new RemoveNoOpsPass(), new FoldConstantsPass(options.FoldConstants), new MergeDuplicatesPass()];
        // Before scales are folded: a scale inside a pattern belongs to it.
        if (engine)
            passes.Add(new RecognizePatternsPass(options.RecognizePatterns));
        passes.Add(new FoldBatchNormalizationPass(options.FoldBatchNormalization));
        if (engine)
            passes.AddRange([new ReduceToPoolingPass(), new NormalizationToConvolutionPass(options.NormalizationToConvolution)]);
        // For networks that stay float: in 8 bits neither constants nor gates cost a change of layout.
        if (engine && options.NormalizationToConvolution.ScalesAndShifts)
            passes.Add(new SpreadGatesPass());
        passes.AddRange(options.With.Where(name => passes.TrueForAll(p => p.Name != name)).Select(Extra));
        passes.Add(new RemoveUnreachablePass());
        return passes;
    }

    private static Pass Extra(string name) => PassCatalog.Find(name)?.Create(null) switch
    {
        { Effect: not PassEffect.Lossy } pass => pass,
        { } => throw new CompressionException($"Pass '{name}' approximates; optimizing runs only passes that keep the outputs.") { Pass = name },
        null => throw new CompressionException($"There is no pass '{name}'.") { Pass = name },
    };
}
