namespace Tersor.Compression.Training;

/// <summary>How weights follow their gradients: a closed family.</summary>
public abstract record TrainingOptimizer
{
    private TrainingOptimizer()
    {
    }

    /// <summary>Stochastic gradient descent.</summary>
    /// <param name="Momentum">Share of the last step that is made again, 0..1. Default 0.9. Other than 0, a schedule that moves momentum takes its place.</param>
    /// <param name="Nesterov">Whether the gradient counts as if that step were made already. Default no.</param>
    /// <remarks>Weight decay adds to the gradient. Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", section 2.</remarks>
    public sealed record Sgd(double Momentum = 0.9, bool Nesterov = false) : TrainingOptimizer;

    /// <summary>Adam; weight decay adds to the gradient.</summary>
    /// <param name="Beta1">Decay of the gradient's average. Default 0.9.</param>
    /// <param name="Beta2">Decay of the squared gradient's average. Default 0.999.</param>
    /// <param name="Epsilon">Keeps the step finite. Default 1e-8.</param>
    /// <remarks>Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.</remarks>
    public sealed record Adam(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8) : TrainingOptimizer;

    /// <summary>Adam with weight decay apart from the gradient.</summary>
    /// <param name="Beta1">As in <see cref="Adam"/>.</param>
    /// <param name="Beta2">As in <see cref="Adam"/>.</param>
    /// <param name="Epsilon">As in <see cref="Adam"/>.</param>
    /// <remarks>Source: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.</remarks>
    public sealed record AdamW(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8) : TrainingOptimizer;

    /// <summary>Every broken rule, in words; empty when it is usable.</summary>
    public IEnumerable<string> Problems()
    {
        (string, double)[] shares = this switch
        {
            Sgd sgd => [(nameof(Sgd.Momentum), sgd.Momentum)],
            Adam adam => [(nameof(Adam.Beta1), adam.Beta1), (nameof(Adam.Beta2), adam.Beta2)],
            AdamW adam => [(nameof(AdamW.Beta1), adam.Beta1), (nameof(AdamW.Beta2), adam.Beta2)],
            _ => [],
        };
        foreach ((string name, double share) in shares)
        {
            if (!(share is >= 0 and < 1))
                yield return $"{name} is {share}; expected 0..1, 1 excluded.";
        }
        if (this is Adam { Epsilon: not > 0 } or AdamW { Epsilon: not > 0 })
            yield return "Epsilon is not above 0; expected a small positive number.";
    }
}
