using Tersor.Onnx;
using Tersor.Onnx.Editing;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Puts the definitions of model-local functions in the place of their calls, as the engine does when it loads the model: other passes then see through them.</summary>
public sealed class InlineFunctionsPass : Pass
{
    /// <inheritdoc/>
    public override string Name => "inline-functions";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        if (model.Functions.Count == 0)
            return report;
        string names = string.Join(", ", model.Functions.Select(f => f.Name));
        try
        {
            int calls = FunctionInliner.InlineAll(model);
            report.Changed(model.Graph.Name, $"{Plural.Of(calls, "call")} of {names} inlined");
        }
        catch (OnnxException e)
        {
            report.Skip(names, e.Message);
        }
        return report;
    }
}
