using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Operators;

/// <summary>Losses that are operators.</summary>
internal static class Losses
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("NegativeLogLikelihoodLoss", 12, c => Loss(c, c[0])),
        new("SoftmaxCrossEntropyLoss", 12, c =>
        {
            Tensor logarithms = F.log_softmax(c[0], 1);
            return (Loss(c, logarithms), c.Node.Output(1) is null ? null : logarithms);
        }),
    ];

    /// <summary>−weight[label] · logarithms[label], reduced.</summary>
    /// <param name="call">The node; inputs 1 and 2 are labels and weights.</param>
    /// <param name="logarithms">[N, C, d1, ...], the labels [N, d1, ...].</param>
    private static Tensor Loss(OperatorCall call, Tensor logarithms)
    {
        Tensor labels = call[1].to_type(ScalarType.Int64);
        Tensor? used = null;
        if (call.Node.Int("ignore_index") is { } ignored)
        {
            used = labels.ne(ignored);
            labels = labels.masked_fill(used.logical_not(), 0);
        }
        Tensor loss = logarithms.gather(1, labels.unsqueeze(1)).squeeze(1).neg();
        Tensor? weight = call.Optional(2) is { } weights ? weights.index_select(0, labels.flatten()).reshape(labels.shape) : null;
        if (used is not null)
            weight = weight is null ? used.to_type(loss.dtype) : weight * used.to_type(weight.dtype);
        if (weight is not null)
            loss = loss * weight;
        return (call.Node.Text("reduction") ?? "mean") switch
        {
            "none" => loss,
            "sum" => loss.sum(),
            "mean" => weight is null ? loss.mean() : loss.sum() / weight.sum(),
            string other => throw call.Bad($"reduces by '{other}'"),
        };
    }
}
