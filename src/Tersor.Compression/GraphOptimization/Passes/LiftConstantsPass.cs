using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Constant nodes become initializers of the graph they stand in, where other passes find them.</summary>
/// <remarks>Functions keep their Constant nodes: the format gives them no initializers. Nothing is moved out of a body: a convolution there whose weight comes from outside is slower, even where two bodies could then share the weight.</remarks>
public sealed class LiftConstantsPass(LiftConstantsOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "lift-constants";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        Overridable(model, report);
        foreach (Graph graph in model.AllGraphs().ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            foreach (Node node in graph.Nodes.Where(n => n.Is("Constant")))
                Lift(node, report);
        }
        return report;
    }

    private void Overridable(Model model, PassReport report)
    {
        if (model.IrVersion < 4)
        {
            int count = model.Graph.Inputs.Count(v => v.IsInitializer);
            if (count > 0 && Constants.ListOnlyRealInputs(model))
                report.Changed(model.Graph.Name, $"{Plural.Of(count, "initializer")} no longer listed as {Plural.Noun(count, "an input", "inputs")}; IR version raised to 4");
            return;
        }
        foreach (Value value in model.Graph.Initializers.Where(v => v.IsOverridable).ToArray())
        {
            if (options.FreezeOverridable)
            {
                model.Graph.RemoveInput(value);
                report.Changed(value.Name, "can no longer be overridden");
            }
            else
            {
                report.Skip(value.Name, "a caller may override it");
            }
        }
    }

    private static void Lift(Node node, PassReport report)
    {
        Value? value = node.Output(0);
        string? reason = node.Graph.Function is not null ? "stands in a function, which has no initializers"
            : value is null or { IsUnused: true } ? "nothing reads it"
            : value.Tensor is null ? "its value is sparse"
            : value.IsGraphOutput ? "its graph gives it out"
            : null;
        if (reason is not null)
        {
            report.Skip(node.ToString(), reason);
            return;
        }
        Constants.ListOnlyRealInputs(node.Graph.Model);
        string name = node.ToString();
        node.Graph.LiftConstant(node, node.Graph);
        report.Changed(name, "is an initializer");
    }
}
