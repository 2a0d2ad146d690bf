using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Weights;

/// <summary>All parameters in one row, and their gradients in another: an optimizer step is a handful of operations, however many parameters there are.</summary>
internal sealed class ParameterBuffer : IDisposable
{
    private readonly Tensor[] leaves;

    /// <param name="parameters">In the order of their offsets.</param>
    /// <param name="start">The numbers to start from, one tensor a parameter.</param>
    /// <param name="reals">Type of the numbers.</param>
    public ParameterBuffer(IReadOnlyList<Parameter> parameters, IReadOnlyList<OnnxTensor> start, ScalarType reals)
    {
        Parameters = parameters;
        long length = parameters.Sum(p => p.Length);
        Values = zeros([length], reals).DetachFromDisposeScope();
        Gradients = zeros([length], reals).DetachFromDisposeScope();
        leaves = new Tensor[parameters.Count];
        using IDisposable scope = NewDisposeScope();
        for (int i = 0; i < leaves.Length; i++)
        {
            Parameter parameter = parameters[i];
            using (no_grad())
                parameter.In(Values).copy_(TorchTensors.ToTorch(start[i], reals).reshape(parameter.Shape));
            leaves[i] = parameter.In(Values).detach().requires_grad_(true).DetachFromDisposeScope();
            leaves[i].grad = parameter.In(Gradients);
        }
    }

    /// <summary>What the numbers belong to.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>All numbers; changing them changes the leaves.</summary>
    public Tensor Values { get; }

    /// <summary>All gradients; backward adds to them.</summary>
    public Tensor Gradients { get; }

    /// <summary>A parameter as the leaf of a computation. Not owned by the caller.</summary>
    public Tensor Leaf(int index) => leaves[index];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor leaf in leaves)
            leaf.Dispose();
        Values.Dispose();
        Gradients.Dispose();
    }
}
