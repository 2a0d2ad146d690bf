using Tersor.Onnx;
using static TorchSharp.torch;

namespace Tersor.Training.Weights.Forms;

/// <summary>A weight on a uniform symmetric grid: what is trained is rounded to it, and gradients pass straight through.</summary>
/// <remarks>The grid is that of the weight training began with: its scales stay. Source: Jacob et al. 2018, arXiv:1712.05877, section 3.</remarks>
internal sealed class GridForm : IWeightForm, IDisposable
{
    private readonly Tensor latent, scale;
    private readonly double limit;

    /// <param name="latent">The numbers that are trained.</param>
    /// <param name="grid">Bits, and the axis that has one scale per index.</param>
    public GridForm(Tensor latent, Constraint.Grid grid)
    {
        (this.latent, limit) = (latent, (1 << (grid.Bits - 1)) - 1);
        using IDisposable _ = no_grad();
        using IDisposable scope = NewDisposeScope();
        Tensor magnitude = latent.abs();
        long[] others = grid.Axis is { } axis ? [.. Enumerable.Range(0, (int)latent.ndim).Where(i => i != axis).Select(i => (long)i)] : [.. Enumerable.Range(0, (int)latent.ndim).Select(i => (long)i)];
        Tensor largest = others.Length == 0 ? magnitude : magnitude.amax(others, keepdim: true);
        scale = largest.clamp_min(1e-30).div(limit).DetachFromDisposeScope();
    }

    public Tensor Weight()
    {
        Tensor steps = (latent / scale).clamp(-limit, limit);
        return (steps + (steps.round() - steps).detach()) * scale;
    }

    public void Dispose() => scale.Dispose();
}
