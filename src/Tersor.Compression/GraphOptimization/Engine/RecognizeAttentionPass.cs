using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Attention that was written out in small nodes, between queries, keys and values [batch, length, features] and its result, becomes one operator of ONNX Runtime's own: MultiHeadAttention.</summary>
/// <remarks>On one thread of an x64 processor that is as fast as what the engine makes of the small nodes, not faster: the optimizer does not run it by itself. Source: github.com/microsoft/onnxruntime, docs/ContribOperators.md.</remarks>
public sealed class RecognizeAttentionPass(RecognizeAttentionOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "recognize-attention";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Arithmetic;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Node softmax in model.AllNodes().Where(n => n.Is("Softmax")).ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            AttentionMatch? match = AttentionMatch.Of(softmax, types, out string? reason);
            if (match is not null && options.StandardOperatorsOnly)
                reason = "only an operator of ONNX Runtime's own computes attention whole";
            if (reason is not null)
                report.Skip(softmax.ToString(), reason);
            else if (match is not null)
                Replace(match, softmax, report);
        }
        return report;
    }

    private static void Replace(AttentionMatch match, Node softmax, PassReport report)
    {
        report.Changed(softmax.ToString(), $"is now inside MultiHeadAttention of {Plural.Of(match.Heads, "head")}");
        Value old = match.Root.Outputs[0]!, made = match.Emit();
        made.Type = old.Type;
        old.ReplaceAllUsesWith(made);
        Rewire.RemoveChain(match.Root);
    }
}
