using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tersor.Training.Losses;

/// <summary>How an output of the student is compared with its teachers'.</summary>
internal enum SoftKind
{
    /// <summary>One of several classes.</summary>
    Classes,

    /// <summary>Independent yes-or-no answers.</summary>
    Answers,

    /// <summary>Numbers.</summary>
    Values,
}

/// <summary>Distances between a student's output and its teachers'. Means over everything that is judged; several teachers count as the mean of what they say.</summary>
internal static class SoftLosses
{
    /// <summary>T² · KL(p ‖ q), p the mean of the teachers' softmax(z / T), q the student's; the mean over samples and positions.</summary>
    /// <param name="student">Logits.</param>
    /// <param name="teachers">Logits of the same shape; no gradient flows to them.</param>
    /// <param name="axis">Of the classes.</param>
    /// <param name="temperature">T.</param>
    /// <remarks>Gradients of the divergence fall with 1 / T²; the factor makes up for it. Source: Hinton et al. 2015, arXiv:1503.02531, section 2.</remarks>
    public static Tensor Classes(Tensor student, IReadOnlyList<Tensor> teachers, int axis, double temperature)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor learned = functional.log_softmax(student / temperature, axis);
        Tensor taught = LogMean([.. teachers.Select(t => functional.log_softmax(t.detach() / temperature, axis))]), share = taught.exp();
        Tensor terms = where(share > 0, share * (taught - learned), zeros_like(share)); // a class that cannot be adds nothing
        return (terms.sum(axis).mean() * (temperature * temperature)).MoveToOuterDisposeScope();
    }

    /// <summary>T² · KL between yes-or-no answers, p the mean of the teachers' sigmoid(z / T); the mean over all of them.</summary>
    public static Tensor Answers(Tensor student, IReadOnlyList<Tensor> teachers, double temperature)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor share = Mean([.. teachers.Select(t => (t.detach() / temperature).sigmoid())]);
        Tensor entropy = -(xlogy(share, share) + xlogy(1 - share, 1 - share)).mean();
        return ((functional.binary_cross_entropy_with_logits(student / temperature, share) - entropy) * (temperature * temperature)).MoveToOuterDisposeScope();
    }

    /// <summary>Mean of squared differences to the teachers' mean.</summary>
    public static Tensor Values(Tensor student, IReadOnlyList<Tensor> teachers)
    {
        using IDisposable scope = NewDisposeScope();
        return functional.mse_loss(student, Mean([.. teachers.Select(t => t.detach())])).MoveToOuterDisposeScope();
    }

    private static Tensor Mean(IList<Tensor> tensors) => tensors.Count == 1 ? tensors[0] : stack(tensors, 0).mean([0L]);

    private static Tensor LogMean(IList<Tensor> tensors) => tensors.Count == 1 ? tensors[0] : stack(tensors, 0).logsumexp(0) - Math.Log(tensors.Count);
}
