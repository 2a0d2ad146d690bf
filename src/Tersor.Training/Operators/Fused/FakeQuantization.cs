using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators.Fused;

/// <summary>Rounding to the steps of a scale, QuantizeLinear and DequantizeLinear in one: clamp(round(x / scale), least, greatest) · scale. Gradients pass straight through within the range, and reach the scale.</summary>
/// <remarks>Source: Esser et al. 2020, arXiv:1902.08153, equations 1 to 3. The scale's gradient is round(v) − v within the range and its ends beyond, v being x / scale.</remarks>
internal static class FakeQuantization
{
    /// <summary>The operator's name in the graph that runs, where <see cref="Execution.FusedQuantization"/> puts it.</summary>
    public const string Name = "FakeQuantize";

    /// <summary>The domain of operators that only the graph that runs has.</summary>
    public const string Domain = "tersor.training";

    public static IEnumerable<OperatorRow> Rows => [new(Name, 1, c => Apply(c[0], c[1], c.Node.Float("least", 0), c.Node.Float("greatest", 0))) { Domain = Domain }];

    /// <summary>Rounds to steps; the fast way where there is one.</summary>
    /// <param name="x">Floating-point numbers.</param>
    /// <param name="scale">One for all, or of x's rank with one for each index of one axis.</param>
    /// <param name="least">Least integer, from the one that stands for 0.0.</param>
    /// <param name="greatest">Greatest integer, from the one that stands for 0.0.</param>
    public static Tensor Apply(Tensor x, Tensor scale, double least, double greatest)
    {
        if (x.dtype != ScalarType.Float32 || scale.dtype != ScalarType.Float32 || x.numel() > int.MaxValue / sizeof(float) || Axis(x, scale) is not { } axis)
            return Spelled(x, scale, least, greatest);
        StepRounding rounding = new((float)least, (float)greatest, axis);
        return is_grad_enabled() && (x.requires_grad || scale.requires_grad) ? FakeQuantizeFunction.apply(x, scale, rounding) : FakeQuantizeFunction.Round(x, scale, rounding);
    }

    /// <summary>The same in operators of libtorch.</summary>
    public static Tensor Spelled(Tensor x, Tensor scale, double least, double greatest)
    {
        Tensor steps = (x / scale).clamp(least, greatest);
        return (steps.requires_grad ? steps + (steps.round() - steps).detach() : steps.round()) * scale;
    }

    /// <summary>The axis that has scales of its own; −1: one scale for all. Null: neither.</summary>
    private static int? Axis(Tensor x, Tensor scale)
    {
        if (scale.numel() == 1)
            return scale.dim() <= x.dim() ? -1 : null;
        if (scale.dim() != x.dim())
            return null;
        int axis = Array.FindIndex(scale.shape, d => d != 1);
        return scale.shape[axis] == x.shape[axis] && scale.numel() == scale.shape[axis] ? axis : null;
    }

    /// <summary>As a node of autograd: neither the integers nor a mask are kept, only what came in.</summary>
    private sealed class FakeQuantizeFunction : autograd.SingleTensorFunction<FakeQuantizeFunction>
    {
        public override string Name => FakeQuantization.Name;

        public static Tensor Round(Tensor x, Tensor scale, StepRounding rounding)
        {
            using IDisposable _ = no_grad();
            using IDisposable scope = NewDisposeScope();
            Tensor dense = x.detach().contiguous(), steps = scale.detach().contiguous(), result = empty_like(dense);
            rounding.Round(TorchTensors.View<float>(dense), TorchTensors.View<float>(steps), TorchTensors.View<float>(result), rounding.Inner(x.shape));
            return result.MoveToOuterDisposeScope();
        }

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            (Tensor x, Tensor scale, StepRounding rounding) = ((Tensor)inputs[0], (Tensor)inputs[1], (StepRounding)inputs[2]);
            context.save_for_backward([x, scale]);
            context.save_data("rounding", rounding);
            return Round(x, scale, rounding);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            using IDisposable _ = no_grad();
            using IDisposable scope = NewDisposeScope();
            List<Tensor> saved = context.get_saved_variables();
            StepRounding rounding = (StepRounding)context.get_data("rounding");
            Tensor x = saved[0].detach().contiguous(), scale = saved[1].detach().contiguous(), dense = gradient.contiguous();
            Tensor ofX = empty_like(x), ofScale = empty_like(scale);
            rounding.Back(TorchTensors.View<float>(dense), TorchTensors.View<float>(x), TorchTensors.View<float>(scale), TorchTensors.View<float>(ofX), TorchTensors.View<float>(ofScale), rounding.Inner(x.shape));
            foreach (Tensor tensor in saved)
                tensor.Dispose();
            return [ofX.MoveToOuterDisposeScope(), ofScale.MoveToOuterDisposeScope(), null!];
        }
    }
}
