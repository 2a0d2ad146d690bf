using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>The linear operators of ONNX's domain of classical models.</summary>
internal static class ClassicalModels
{
    private const string Ml = "ai.onnx.ml";

    public static IEnumerable<OperatorRow> Rows =>
    [
        new("LinearRegressor", 1, Scoped(Regress)) { Domain = Ml },
        new("Normalizer", 1, Scoped(Normalize)) { Domain = Ml },
        new("Scaler", 1, Scoped(c => (Real(c) - Row(c, "offset")) * Row(c, "scale"))) { Domain = Ml },
    ];

    private static Tensor Real(OperatorCall call) => call[0].is_floating_point() ? call[0] : call[0].to_type(call.Carrier(Onnx.ElementType.Float32));

    private static Tensor Row(OperatorCall call, string attribute) => tensor(call.Node.Floats(attribute) ?? throw call.Bad($"has no {attribute}"), Real(call).dtype);

    private static OperatorResult Normalize(OperatorCall call)
    {
        Tensor x = Real(call), size = call.Node.Text("norm") switch
        {
            "L1" => x.abs().sum(-1, keepdim: true),
            "L2" => x.square().sum(-1, keepdim: true).sqrt(),
            _ => x.amax([-1], keepdim: true),
        };
        return x / where(size == 0, ones_like(size), size);
    }

    private static OperatorResult Regress(OperatorCall call)
    {
        if (call.Node.Text("post_transform") is not (null or "NONE"))
            throw call.Unsupported($"the transform {call.Node.Text("post_transform")}");
        Tensor x = Real(call), y = x.matmul(Row(call, "coefficients").reshape(call.Node.Int("targets", 1), -1).t());
        return call.Node.Floats("intercepts") is null ? y : y + Row(call, "intercepts");
    }
}
