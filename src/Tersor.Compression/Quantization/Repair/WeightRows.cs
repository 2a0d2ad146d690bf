using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>A layer's weight as a matrix: one row an output channel, [outputs, inputs], where a row meets the patches of its group: input channels of the group times kernel, in the weight's own order.</summary>
internal sealed class WeightRows
{
    private readonly bool transposed;

    private WeightRows(LinearLayer layer, int outputs, int groups, bool transposed)
    {
        (Layer, Outputs, Groups, this.transposed) = (layer, outputs, groups, transposed);
        Inputs = (int)(layer.Weight.Constant!.Length / Math.Max(1, outputs));
    }

    /// <summary>The layer.</summary>
    public LinearLayer Layer { get; }

    /// <summary>Number of rows.</summary>
    public int Outputs { get; }

    /// <summary>Elements of a row.</summary>
    public int Inputs { get; }

    /// <summary>Groups of the convolution: rows g · Outputs / Groups .. meet the patches of group g.</summary>
    public int Groups { get; }

    /// <summary>The rows, row-major, [outputs, inputs]: a copy.</summary>
    public float[] Read()
    {
        float[] stored = Layer.Weight.Constant!.ToFloats();
        return transposed ? Transpose(stored, Inputs, Outputs) : stored;
    }

    /// <summary>What the layer is called in tables of scales: its first output's name.</summary>
    public string Key => Layer.Output.Name;

    /// <summary>Reads a layer that an engine computes in integers; null with the reason when it is none, and without a reason when it is no layer at all.</summary>
    public static WeightRows? Of(Node node, out string? reason)
    {
        if (LinearLayer.Of(node, out reason) is not { } layer || node.Is("ConvTranspose"))
            return null;
        Tensor weight = layer.Weight.Constant!;
        reason = weight.Type != ElementType.Float32 ? $"its weight is {weight.Type}"
            : weight.Length == 0 ? "its weight is empty"
            : !WeightQuantizer.IsFinite(weight) ? "its weight is not finite"
            : !Rewire.HasOneReader(layer.Weight) ? "its weight has other readers"
            : node.Is("Gemm") && (node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1) ? "alpha or beta is not 1"
            : null;
        return reason is null ? new(layer, (int)layer.Outputs, node.Is("Conv") ? (int)node.Int("group", 1) : 1,
            node.Is("MatMul") || node.Is("Gemm") && node.Int("transB", 0) == 0) : null;
    }

    /// <summary>Writes rows into the model as the layer's weight.</summary>
    public void Store(float[] rows)
    {
        Tensor old = Layer.Weight.Constant!;
        Constants.Replace(Layer.Node, 1, Tensor.Create(old.Shape.AsSpan(), transposed ? Transpose(rows, Outputs, Inputs) : rows));
    }

    private static float[] Transpose(float[] values, int rows, int columns)
    {
        float[] result = new float[values.Length];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                result[c * rows + r] = values[r * columns + c];
        }
        return result;
    }
}
