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
        return copy;
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
