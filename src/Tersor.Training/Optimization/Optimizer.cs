using Tersor.Compression.Training;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>Moves a row of numbers against its gradients. Its state is a few rows of the same length and the number of steps made.</summary>
internal abstract class Optimizer : IDisposable
{
    /// <summary>Rows of state by name; checkpoints hold them.</summary>
    public abstract IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Makes a step.</summary>
    /// <param name="values">Changed in place.</param>
    /// <param name="gradients">Not changed.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="step">How many steps were made before.</param>
    /// <param name="momentum">Share of the last step that is kept, or the first beta; null: the one of the settings.</param>
    public abstract void Step(Tensor values, Tensor gradients, double rate, double decay, long step, double? momentum = null);

    /// <summary>The optimizer settings ask for, without steps made.</summary>
    public static Optimizer Create(TrainingOptimizer settings, Tensor values) => settings switch
    {
        TrainingOptimizer.Sgd sgd => new Descent(values, sgd),
        TrainingOptimizer.Adam adam => new Moments(values, adam.Beta1, adam.Beta2, adam.Epsilon, decoupled: false),
        TrainingOptimizer.AdamW adam => new Moments(values, adam.Beta1, adam.Beta2, adam.Epsilon, decoupled: true),
        _ => throw new ArgumentException($"There is no optimizer {settings}.", nameof(settings)),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor row in State.Values)
            row.Dispose();
    }

    private static Tensor Row(Tensor values) => zeros_like(values).DetachFromDisposeScope();

    private sealed class Descent(Tensor values, TrainingOptimizer.Sgd settings) : Optimizer
    {
        private readonly Tensor velocity = Row(values);

        public override IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor> { ["velocity"] = velocity };

        public override void Step(Tensor values, Tensor gradients, double rate, double decay, long step, double? momentum = null)
        {
            using IDisposable scope = NewDisposeScope();
            Tensor gradient = decay > 0 ? gradients.add(values, decay) : gradients;
            double kept = settings.Momentum == 0 ? 0 : momentum ?? settings.Momentum;
            velocity.mul_(kept).add_(gradient);
            values.add_(settings.Nesterov ? gradient.add(velocity, kept) : velocity, -rate);
        }
    }

    private sealed class Moments(Tensor values, double beta1, double beta2, double epsilon, bool decoupled) : Optimizer
    {
        private readonly Tensor first = Row(values), second = Row(values);

        public override IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor> { ["first"] = first, ["second"] = second };

        public override void Step(Tensor values, Tensor gradients, double rate, double decay, long step, double? momentum = null)
        {
            using IDisposable scope = NewDisposeScope();
            double beta = momentum ?? beta1;
            Tensor gradient = gradients;
            if (decay > 0 && decoupled)
                values.mul_(1 - rate * decay);
            else if (decay > 0)
                gradient = gradients.add(values, decay);
            first.mul_(beta).add_(gradient, 1 - beta);
            second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
            Tensor root = second.sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, step + 1))).add_(epsilon);
            values.addcdiv_(first, root, -rate / (1 - Math.Pow(beta, step + 1)));
        }
    }
}
