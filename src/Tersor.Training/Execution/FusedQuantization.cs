using Tersor.Onnx;
using Tersor.Training.Operators.Fused;

namespace Tersor.Training.Execution;

/// <summary>Makes one node of a QuantizeLinear and the DequantizeLinear behind it where both have the same scale and zero point: one pass over memory instead of ten, and half of what autograd keeps.</summary>
internal static class FusedQuantization
{
    /// <summary>Fuses them in a model that only runs.</summary>
    /// <param name="model">Changed.</param>
    /// <param name="needed">Names of values that must stay.</param>
    public static void Fuse(Model model, IReadOnlyCollection<string> needed)
    {
        InferredTypes types = ShapeInference.Infer(model);
        foreach (Node quantize in model.AllNodes().Where(n => n.Is("QuantizeLinear")).ToArray())
        {
            if (quantize.Input(0) is null || quantize.Input(1) is not { } scale || types.TensorTypeOf(scale)?.Shape is not { } shape || shape.Aggregate(1L, (n, d) => n * (d.Size ?? 0)) != 1
                || Limits(quantize) is not { } limits || quantize.Outputs[0] is not { } integers || needed.Contains(integers.Name))
            {
                continue;
            }
            model.OpsetImports[FakeQuantization.Domain] = 1;
            Fuse(quantize, integers, limits);
            // Integers of fewer bits than the type that carries them are clipped to theirs.
            foreach (Node clip in Readers(integers).Where(n => !needed.Contains(n.Outputs[0]!.Name)))
            {
                if (Within(clip, quantize, limits) is not { } narrower)
                    continue;
                Fuse(quantize, clip.Outputs[0]!, narrower);
                if (clip.Outputs[0]! is { IsUnused: true, IsGraphOutput: false })
                    clip.Remove();
            }
            if (integers.IsUnused && !integers.IsGraphOutput)
                quantize.Remove();
        }

        void Fuse(Node quantize, Value integers, (double Least, double Greatest) limits)
        {
            foreach (Node dequantize in Readers(integers).Where(n => Undoes(n, quantize) && !n.Outputs[0]!.IsGraphOutput && !needed.Contains(n.Outputs[0]!.Name)))
            {
                Value result = dequantize.Outputs[0]!, x = quantize.Inputs[0]!;
                Node fused = dequantize.Graph.InsertBefore(dequantize, FakeQuantization.Name, [x, quantize.Inputs[1]], [result.Name], [new("least", (float)limits.Least), new("greatest", (float)limits.Greatest)], FakeQuantization.Domain);
                fused.Outputs[0]!.Type = types.TypeOf(x);
                result.ReplaceAllUsesWith(fused.Outputs[0]!);
                dequantize.Remove();
            }
        }
    }

    /// <summary>Least and greatest integer a QuantizeLinear, or what it was fused into, rounds to, from the one that stands for 0.0; null where that cannot be told beforehand.</summary>
    public static (double Least, double Greatest)? Limits(Node quantize)
    {
        if (quantize.Domain == FakeQuantization.Domain)
            return (quantize.Float("least", 0), quantize.Float("greatest", 0));
        if (quantize.Int("output_dtype", 0) != 0 || quantize.Int("block_size", 0) != 0 || !quantize.IsStandard || quantize.Input(2) is { Tensor: null })
            return null;
        OnnxTensor? zero = quantize.Input(2)?.Tensor;
        ElementType type = zero?.Type ?? ElementType.UInt8;
        if (!type.IsInteger() || zero is { Length: not 1 })
            return null;
        (double least, double greatest) = Operators.Quantization.Range(type);
        long offset = zero?.ToInt64s()[0] ?? 0;
        return (least - offset, greatest - offset);
    }

    private static Node[] Readers(Value value) => [.. value.Uses.Select(u => u.Node).Distinct()];

    /// <summary>The limits of integers behind a Clip with constant ends; null: it is none.</summary>
    private static (double Least, double Greatest)? Within(Node clip, Node quantize, (double Least, double Greatest) limits)
    {
        if (!clip.Is("Clip") || !ReferenceEquals(clip.Input(0), quantize.Outputs[0]) || clip.Input(1) is { Constant: null } || clip.Input(2) is { Constant: null })
            return null;
        long zero = quantize.Input(2)?.Tensor?.ToInt64s()[0] ?? 0;
        double End(int input, double otherwise) => clip.Input(input)?.Constant is { Length: 1 } end ? end.ToInt64s()[0] - zero : otherwise;
        return (Math.Max(limits.Least, End(1, limits.Least)), Math.Min(limits.Greatest, End(2, limits.Greatest)));
    }

    private static bool Undoes(Node node, Node quantize)
    {
        if (!node.Is("DequantizeLinear") || !node.IsStandard || node.Int("output_dtype", 0) != 0 || node.Int("block_size", 0) != 0 || !ReferenceEquals(node.Input(1), quantize.Input(1)) || node.Outputs[0] is null)
            return false;
        OnnxTensor? there = quantize.Input(2)?.Tensor, back = node.Input(2)?.Tensor;
        return ReferenceEquals(node.Input(2), quantize.Input(2)) || node.Input(2) is null == (back is null) && (back?.ToInt64s()[0] ?? 0) == (there?.ToInt64s()[0] ?? 0) && (back is null || back.Length == 1);
    }
}
