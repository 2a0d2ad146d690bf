using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Storage;

/// <summary>Which elements of a stored weight share a scale.</summary>
public sealed class ScaleAxisTests
{
    private const int Rows = 48, Width = 32;

    /// <summary>Readers of a [48, 32] table, and the shape of its scales: each reader's own axis has magnitudes that differ.</summary>
    public static TheoryData<string, long[]> Readers => new()
    {
        { "Gather", [Rows, 1] },
        { "Gather on axis 1", [1, Width] },
        { "Gather behind Transpose", [1, Width] },
        { "GatherND", [Rows, 1] },
        { "GatherND in batches", [1, Width, 1] },
        { "GatherElements", [Rows, 1] },
        { "Gather and Transpose, MatMul", [Rows, 1] },
        { "Gather and Gemm transB", [Rows, 1] },
        { "Gather and MatMul from the left", [Rows, 1] },
        { "Gather on axis 1 and MatMul", [1, Width] },
        { "Gather behind Transpose and MatMul", [1, Width] },
    };

    [Theory, MemberData(nameof(Readers))]
    public void A_table_has_a_scale_for_each_index_it_is_looked_up_by(string reader, long[] scales)
    {
        Model model = Build.Model([2, 3], (g, x) => Read(reader, g, g.Apply("Cast", [x], ("to", (long)ElementType.Int64))));
        new QuantizeWeightsPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        Assert.Equal(scales, Scale(model).Tensor!.Shape.ToArray());
    }

    [Fact]
    public void Rows_a_thousand_times_smaller_than_others_are_as_exact()
    {
        Tensor table = Varying(axis: 0, Rows, Width);
        Model model = Build.Model([Rows], (g, x) => g.Apply("Gather", [g.AddInitializer("table", table), g.Apply("Cast", [x], ("to", (long)ElementType.Int64))]));
        new QuantizeWeightsPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        float[] read = Running.Run(model, new Dictionary<string, Tensor> { ["x"] = Tensor.Vector([.. Enumerable.Range(0, Rows).Select(i => (float)i)]) })["y"].ToFloats();
        for (int r = 0; r < Rows; r++)
            Assert.True(Sqnr(table.Span<float>().Slice(r * Width, Width), read.AsSpan(r * Width, Width)) > 40, $"row {r}");
    }

    [Theory, InlineData(0), InlineData(1)]
    public void Readers_that_disagree_get_the_axis_of_least_error(int axis)
    {
        Model model = Build.Model([Width, Width], (g, x) =>
        {
            Value w = g.AddInitializer("table", Varying(axis, Width, Width));
            return g.Apply("Gemm", [g.Apply("MatMul", [x, w]), w], ("transB", 1L)); // output channels on axis 1, then on axis 0
        });
        new QuantizeWeightsPass(new() { MinElements = 100 }).Run(model, PassContext.None);
        Assert.Equal(axis == 0 ? [Width, 1L] : [1L, Width], Scale(model).Tensor!.Shape.ToArray());
    }

    [Fact]
    public void An_axis_whose_scales_would_eat_the_saving_is_not_taken()
    {
        Model model = Build.Model([4], (g, x) => g.Apply("Gather", [g.AddInitializer("table", Build.Normal(1, 1, 2000, 1)), g.Apply("Cast", [x], ("to", (long)ElementType.Int64))]));
        new QuantizeWeightsPass(new()).Run(model, PassContext.None);
        Assert.Equal([1L, 1L], Scale(model).Tensor!.Shape.ToArray());
    }

    [Fact]
    public void The_tied_embedding_of_the_cases_keeps_40_dB()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("cases", "tied-embedding.onnx")), stored = model.Clone();
        new QuantizeWeightsPass(new()).Run(stored, PassContext.None);
        Dictionary<string, Tensor> input = new() { ["ids"] = Tensor.Create([25, 8], [.. Enumerable.Range(0, 200).Select(i => (long)i)]) };
        float[] expected = Running.Run(model, input)["logits"].ToFloats(), actual = Running.Run(stored, input)["logits"].ToFloats();
        Assert.True(Sqnr(expected, actual) >= 40, $"{Sqnr(expected, actual):0.00} dB");
    }

    private static Value Read(string reader, Graph graph, Value indices)
    {
        bool byColumn = reader.Contains("axis 1", StringComparison.Ordinal) || reader.Contains("behind Transpose", StringComparison.Ordinal);
        if (reader == "GatherND in batches")
            return graph.Apply("GatherND", [graph.AddInitializer("table", Varying(1, 2, Width, 8)), graph.Apply("Slice", [indices, .. Ints(graph, [0], [1], [1])])], ("batch_dims", 1L));
        Value table = graph.AddInitializer("table", Varying(byColumn ? 1 : 0, Rows, Width));
        Value read = reader switch
        {
            "GatherND" => graph.Apply("GatherND", [table, graph.Apply("Slice", [indices, .. Ints(graph, [0], [2], [1])])]),
            "GatherElements" => graph.Apply("GatherElements", [table, indices]),
            _ when reader.Contains("behind Transpose", StringComparison.Ordinal) => graph.Apply("Gather", [graph.Apply("Transpose", [table], ("perm", new long[] { 1, 0 })), indices]),
            _ => graph.Apply("Gather", [table, indices], ("axis", byColumn ? 1L : 0L)),
        };
        if (!reader.Contains(" and ", StringComparison.Ordinal))
            return read;
        Value floats = graph.Apply("Cast", [indices], ("to", (long)ElementType.Float32)), wide = graph.AddInitializer("wide", Build.Normal(3, 1, 3, byColumn ? Rows : Width));
        Value state = graph.Apply("MatMul", [floats, wide]);
        Value head = reader switch
        {
            _ when byColumn => graph.Apply("MatMul", [state, table]),
            "Gather and Gemm transB" => graph.Apply("Gemm", [state, table], ("transB", 1L)),
            "Gather and MatMul from the left" => graph.Apply("MatMul", [table, graph.Apply("Transpose", [state])]),
            _ => graph.Apply("MatMul", [state, graph.Apply("Transpose", [table])]),
        };
        return graph.Apply("Add", [graph.Apply("ReduceSum", [read], ("keepdims", 0L)), graph.Apply("ReduceSum", [head], ("keepdims", 0L))]);
    }

    private static Value[] Ints(Graph graph, params long[][] values) => [.. values.Select(v => graph.AddInitializer("i", Tensor.Vector(v)))];

    private static Value Scale(Model model) => model.Graph.Initializers.Single(v => v.Name == "table_scale");

    /// <summary>Normal numbers whose deviation falls from 1 to 0.001 along an axis.</summary>
    private static Tensor Varying(int axis, params long[] shape)
    {
        float[] values = Build.Normal(7, 1, shape).ToFloats();
        long inner = Tensor.ElementCount(shape.AsSpan()[(axis + 1)..]);
        for (int i = 0; i < values.Length; i++)
            values[i] *= MathF.Pow(10, -3f * (i / inner % shape[axis]) / (shape[axis] - 1));
        return Tensor.Create(shape, values);
    }

    private static double Sqnr(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double signal = 0, noise = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            signal += (double)expected[i] * expected[i];
            noise += Math.Pow(expected[i] - actual[i], 2);
        }
        return 10 * Math.Log10(signal / noise);
    }
}
