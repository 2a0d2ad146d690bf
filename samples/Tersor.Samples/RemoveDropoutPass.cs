using Tersor.Compression;
using Tersor.Onnx;

namespace Tersor.Samples;

#region pass
/// <summary>Removes Dropout, which does nothing once training is over.</summary>
public sealed class RemoveDropoutPass : Pass
{
    public override string Name => "remove-dropout";

    public override PassEffect Effect => PassEffect.Structural; // the same numbers, so outputs must stay equal bit for bit

    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (Node node in model.AllNodes().Where(n => n.Is("Dropout")))
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (node.Output(1) is { IsUnused: false } mask)
            {
                report.Skip(node.Name, $"its mask '{mask.Name}' is used");
                continue;
            }
            node.Outputs[0]!.ReplaceAllUsesWith(node.Inputs[0]!);
            node.Remove();
            report.Changed(node.Name, "removed");
        }
        return report;
    }
}
#endregion
