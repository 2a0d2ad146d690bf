using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Gathers statistics of some values of a model while it runs over data. Derive from it for statistics of your own.</summary>
public abstract class ValueObserver
{
    /// <summary>The values it wants, of the model given to <see cref="Observer"/>; those inside bodies of If, Loop and Scan too, at any depth.</summary>
    public abstract IReadOnlyCollection<Value> Values { get; }

    /// <summary>Takes one tensor. It is gone when this returns.</summary>
    /// <param name="value">Which of <see cref="Values"/>.</param>
    /// <param name="tensor">What it was. Values inside a loop come once an iteration, in order.</param>
    public abstract void Collect(Value value, ObservedTensor tensor);

    /// <summary>The value was not computed in this step: it stands in a branch not taken, or in a loop without iterations.</summary>
    public virtual void NotTaken(Value value)
    {
    }
}
