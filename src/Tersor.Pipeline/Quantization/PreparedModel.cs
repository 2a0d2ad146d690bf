using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Opsets;

namespace Tersor.Pipeline.Quantization;

/// <summary>A model in the form quantization starts from.</summary>
internal static class PreparedModel
{
    /// <summary>Passes beyond the engine level that pay only where the result runs in 8 bits.</summary>
    private static readonly string[] ForIntegers = ["pooling-to-convolution", "shuffle-to-gather", "pad-channels", "pad-input-channels"];

    /// <summary>The model rewritten so that the engine runs it fast in float, its interface unchanged.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="options">Samples and runner to verify with.</param>
    /// <param name="cancellation">Stops it.</param>
    public static Model ForEngine(Model model, GraphOptimizerOptions options, CancellationToken cancellation) =>
        new GraphOptimizer(options with { Level = OptimizationLevel.Engine }).Run(model, cancellation).Model;

    /// <summary>The model rewritten for 8-bit kernels: channels padded, poolings and shuffles in forms that have a kernel; scales and shifts stay, since 8-bit values express them for nothing.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="options">Samples and runner to verify with.</param>
    /// <param name="cancellation">Stops it.</param>
    public static Model ForQuantization(Model model, GraphOptimizerOptions options, CancellationToken cancellation) =>
        new GraphOptimizer(options with { Level = OptimizationLevel.Engine, With = ForIntegers, NormalizationToConvolution = new(), MaxGrowth = 1.5 }).Run(model, cancellation).Model;

    /// <summary>The model as it was given but for folding: what the usual quantizers start from.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="options">Samples and runner to verify with.</param>
    /// <param name="cancellation">Stops it.</param>
    public static Model Folded(Model model, GraphOptimizerOptions options, CancellationToken cancellation) =>
        new GraphOptimizer(options with { Level = OptimizationLevel.Graph }).Run(model, cancellation).Model;

    /// <summary>A copy in an operator set that has what is needed, without functions: the engine inlines them too, and a weight in a function has no channel of its own.</summary>
    /// <param name="model">Float. Not modified.</param>
    /// <param name="opset">Least version of ONNX's operator set.</param>
    public static Model Of(Model model, long opset)
    {
        Model copy = model.Clone();
        FunctionInliner.InlineAll(copy);
        OpsetRaiser.Raise(copy, Math.Max(copy.Opset, opset));
        // A weight behind a Transpose, Cast or Identity is one all the same; an optimized model has none.
        if (copy.Weights().Any(u => u.Path.Length > 0))
        {
            new RemoveNoOpsPass().Run(copy, PassContext.None);
            new FoldConstantsPass(new()).Run(copy, PassContext.None);
        }
        new ExpandActivationsPass().Run(copy, PassContext.None);
        NameNodes(copy);
        NameValues(copy);
        return copy;
    }

    /// <summary>Gives values of bodies that have the name of another value one of their own: two branches may use the same names, and ranges and plans tell values apart by name.</summary>
    private static void NameValues(Model model)
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (Graph graph in model.Graph.WithNested())
        {
            foreach (Value value in graph.Inputs.Concat(graph.Initializers).Concat(graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()).Distinct().ToArray())
            {
                if (!taken.Add(value.Name) && !graph.IsMain)
                    value.Rename(model.NewName(value.Name));
                taken.Add(value.Name);
            }
        }
    }

    /// <summary>Gives nodes that have none, or one that another has too, a name of their own: profiles tell nodes apart by name.</summary>
    private static void NameNodes(Model model)
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (Node node in model.AllNodes())
        {
            if (node.Name.Length == 0 || !taken.Add(node.Name))
                node.Name = model.NewName(node.Outputs.OfType<Value>().FirstOrDefault() is { } output ? $"{output.Name}/{node.OpType}" : node.OpType);
            taken.Add(node.Name);
        }
    }
}
