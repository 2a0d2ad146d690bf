using Tersor.Compression.Pruning.Channels;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Pruning;

public sealed class ChannelGroupsTests
{
    /// <summary>By name: a body that makes channels of which some are zeroed, and what follows them.</summary>
    public static TheoryData<string> Cases => [.. Networks.Keys];

    private static readonly Dictionary<string, (Dimension[] Input, Func<Graph, Value, Value> Body, int Groups)> Networks = new()
    {
        ["a chain"] = (["n", 3, 6, 6], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 3, 8)]), 2, 8, 4), 1),
        ["normalized"] = (["n", 3, 6, 6], (g, x) => g.Conv(g.Apply("Relu", [Normalized(g, g.Conv(x, 1, 3, 8), 8)]), 2, 8, 4), 1),
        ["depthwise"] = (["n", 3, 6, 6], (g, x) => g.Conv(g.Conv(g.Conv(x, 1, 3, 8), 2, 8, 8, group: 8), 3, 8, 4), 1),
        ["a sum"] = (["n", 3, 6, 6], (g, x) => { Value a = g.Conv(x, 1, 3, 8); return g.Conv(g.Apply("Add", [a, g.Conv(a, 2, 8, 8)]), 3, 8, 4); }, 1),
        ["a gate"] = (["n", 3, 6, 6], (g, x) => { Value a = g.Conv(x, 1, 3, 8); return g.Conv(g.Apply("Mul", [a, g.Apply("Sigmoid", [g.Conv(g.Apply("GlobalAveragePool", [a]), 2, 8, 8, kernel: 1)])]), 3, 8, 4); }, 1),
        ["joined"] = (["n", 3, 6, 6], (g, x) => g.Conv(g.Apply("Concat", [g.Conv(x, 1, 3, 8), g.Conv(x, 2, 3, 6)], ("axis", 1L)), 3, 14, 4), 2),
        ["flattened"] = (["n", 3, 6, 6], (g, x) => g.Apply("Gemm", [g.Apply("Flatten", [g.Conv(x, 1, 3, 8)]), g.AddInitializer("m", Build.Normal(3, 0.1, 8 * 36, 5))]), 1),
        ["reshaped"] = (["n", 3, 6, 6], (g, x) => g.Apply("MatMul", [g.Apply("Reshape", [g.Conv(x, 1, 3, 8), g.AddInitializer("to", Tensor.Vector(0L, -1L))]), g.AddInitializer("m", Build.Normal(3, 0.1, 8 * 36, 5))]), 1),
        ["reshaped to a written size"] = ([2, 3, 6, 6], (g, x) => g.Apply("MatMul", [g.Apply("Reshape", [g.Conv(x, 1, 3, 8), g.AddInitializer("to", Tensor.Vector(2L, 8L * 36))]), g.AddInitializer("m", Build.Normal(3, 0.1, 8 * 36, 5))]), 1),
        ["tokens"] = (["n", 5, 6], (g, x) =>
        {
            Value wide = g.Apply("Gelu", [g.Apply("Add", [g.Apply("MatMul", [x, g.AddInitializer("u", Build.Normal(1, 1, 6, 12))]), g.AddInitializer("ub", Build.Normal(2, 1, 12))])]);
            return g.Apply("MatMul", [wide, g.AddInitializer("d", Build.Normal(3, 1, 12, 6))]);
        }, 1),
        ["averaged and squeezed"] = (["n", 3, 6, 6], (g, x) => g.Apply("MatMul", [g.Apply("ReduceMean", [g.Conv(x, 1, 3, 8)], ("axes", new[] { 2L, 3L }), ("keepdims", 0L)), g.AddInitializer("m", Build.Normal(3, 1, 8, 5))]), 1),
        ["last axis"] = (["n", 3, 6, 6], (g, x) => g.Apply("MatMul", [g.Apply("Mul", [g.Apply("Transpose", [g.Conv(x, 1, 3, 8)], ("perm", new[] { 0L, 2L, 3L, 1L })), g.AddInitializer("s", Build.Normal(4, 1, 8))]), g.AddInitializer("m", Build.Normal(3, 1, 8, 5))]), 1),
        ["transposed convolution"] = (["n", 3, 6, 6], (g, x) => g.Conv(g.Apply("ConvTranspose", [g.Conv(x, 1, 3, 8), g.AddInitializer("t", Build.Normal(2, 0.2, 8, 7, 2, 2))], ("strides", new[] { 2L, 2L })), 3, 7, 4), 2),
        ["rows picked"] = (["n", 6], (g, x) => g.Apply("MatMul", [g.Apply("Gather", [g.Apply("Relu", [g.Apply("MatMul", [x, g.AddInitializer("u", Build.Normal(1, 1, 6, 12))])]), g.AddInitializer("rows", Tensor.Vector(1L, 0L, 0L))], ("axis", 0L)), g.AddInitializer("d", Build.Normal(3, 1, 12, 6))]), 1),
        ["bias and activation in one"] = (["n", 5, 6], (g, x) =>
        {
            g.Model.OpsetImports["com.microsoft"] = 1;
            Value wide = g.AddNode("BiasGelu", [g.Apply("MatMul", [x, g.AddInitializer("u", Build.Normal(1, 1, 6, 12))]), g.AddInitializer("ub", Build.Normal(2, 1, 12))], ["wide"], domain: "com.microsoft").Outputs[0]!;
            return g.Apply("MatMul", [wide, g.AddInitializer("d", Build.Normal(3, 1, 12, 6))]);
        }, 1),
        ["read by a recurrent layer"] = ([5, 2, 6], (g, x) =>
        {
            Value wide = g.Apply("Relu", [g.Apply("MatMul", [x, g.AddInitializer("u", Build.Normal(1, 1, 6, 12))])]);
            return g.AddNode("GRU", [wide, g.AddInitializer("w", Build.Normal(2, 0.3, 1, 9, 12)), g.AddInitializer("r", Build.Normal(3, 0.3, 1, 9, 3))], ["states"], [new("hidden_size", 3L)]).Outputs[0]!;
        }, 1),
        ["resized"] = (["n", 3, 6, 6], (g, x) => g.Conv(g.Apply("Resize", [g.Conv(x, 1, 3, 8), null, g.AddInitializer("scales", Tensor.Vector(1f, 1f, 2f, 2f))]), 2, 8, 4), 1),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Without_channels_that_nobody_reads_a_model_computes_what_it_did(string name)
    {
        (Dimension[] input, Func<Graph, Value, Value> body, int count) = Networks[name];
        Model model = Build.Model(input, body, name == "tokens" ? 20 : 17);
        ChannelGroups groups = ChannelGroups.Find(model);
        Assert.Equal(count, groups.All.Count);
        // What reads a third of the channels is zero: then they can go.
        Dictionary<ChannelGroup, int[]> kept = groups.All.ToDictionary(g => g, g => Enumerable.Range(0, g.Channels).Where(c => c % 3 != 1).ToArray());
        foreach (ChannelGroup group in groups.All)
        {
            foreach (ChannelSlice slice in group.Slices.Where(s => !s.Makes && s.Constant.Tensor!.Rank > 1))
                slice.Constant.SetTensor(Zeroed(slice, group.Channels));
            Assert.Equal(group.Channels, group.Magnitudes().Length);
            Assert.All(group.Magnitudes(), m => Assert.True(m > 0));
        }
        Tensor x = Build.Normal(7, 1, [.. input.Select(d => d.Size ?? 2)]);
        float[] expected = Run(model, x);
        long before = model.WeightBytes();
        groups.Keep(kept);
        Assert.True(model.WeightBytes() < before);
        Assert.Equal(expected, Run(model, x), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Contains(expected, v => Math.Abs(v) > 1e-3);
    }

    [Fact]
    public void Channels_that_something_wants_as_they_are_stay_and_the_reason_is_named()
    {
        Model model = Build.Model(["n", 3, 6, 6], (g, x) =>
        {
            Value sorted = g.AddNode("TopK", [g.Conv(x, 1, 3, 8), g.AddInitializer("k", Tensor.Vector(2L))], ["values", "indices"], [new("axis", (NodeAttribute)1L)]).Outputs[0]!;
            Value added = g.Apply("Add", [g.Conv(x, 2, 3, 3), x]);
            return g.Apply("Concat", [g.Apply("Conv", [sorted, g.AddInitializer("v", Build.Normal(5, 1, 2, 2, 1, 1))]), added], ("axis", 1L));
        });
        ChannelGroups groups = ChannelGroups.Find(model);
        Assert.Empty(groups.All);
        Assert.Contains(groups.Kept, k => k.Reason.StartsWith("TopK", StringComparison.Ordinal));
        Assert.Contains(groups.Kept, k => k.Reason.StartsWith("input 1 of Add", StringComparison.Ordinal));
        Assert.Contains(groups.Kept, k => k.Reason == "'y' is given out");
    }

    [Fact]
    public void Channels_on_an_axis_that_a_layer_slides_over_stay()
    {
        // Tokens whose features a convolution over them takes for positions.
        Model model = Build.Model(["n", 5, 6], (g, x) => g.Apply("MatMul",
            [g.Apply("Conv", [g.Apply("MatMul", [x, g.AddInitializer("u", Build.Normal(1, 1, 6, 12))]), g.AddInitializer("k", Build.Normal(2, 1, 5, 5, 3))], ("pads", new[] { 1L, 1L })), g.AddInitializer("d", Build.Normal(3, 1, 12, 6))]));
        ChannelGroups groups = ChannelGroups.Find(model);
        Assert.DoesNotContain(groups.All, g => g.Slices.Any(s => s.Constant.Name == "u"));
        Assert.Contains(groups.Kept, k => k.Reason.StartsWith("Conv", StringComparison.Ordinal));
    }

    [Fact]
    public void A_weight_that_another_layer_reads_whole_keeps_its_channels()
    {
        Model model = Build.Model(["n", 8, 4, 4], (g, x) =>
        {
            Value shared = g.AddInitializer("w", Build.Normal(1, 0.2, 8, 8, 1, 1));
            Value first = g.Apply("Conv", [x, shared]);
            return g.Conv(g.Apply("Conv", [first, shared]), 2, 8, 4);
        });
        // The weight's columns read the input too, so its channels cannot go.
        Assert.Empty(ChannelGroups.Find(model).All);
    }

    [Fact]
    public void Channels_that_are_named_wrongly_are_refused()
    {
        (Dimension[] input, Func<Graph, Value, Value> body, _) = Networks["a chain"];
        ChannelGroups groups = ChannelGroups.Find(Build.Model(input, body));
        foreach (int[] kept in (int[][])[[], [8], [-1], [2, 1]])
            Assert.Throws<ArgumentException>(() => groups.Keep(new Dictionary<ChannelGroup, int[]> { [groups.All[0]] = kept }));
    }

    private static Value Normalized(Graph g, Value x, int channels) => g.Apply("BatchNormalization",
        [x, g.AddInitializer("scale", Build.Normal(11, 1, channels)), g.AddInitializer("offset", Build.Normal(12, 1, channels)), g.AddInitializer("mean", Build.Normal(13, 1, channels)), g.AddInitializer("var", Tensor.Vector([.. Enumerable.Repeat(2f, channels)]))]);

    /// <summary>A constant whose slices of every third channel, from the second on, are zero.</summary>
    private static Tensor Zeroed(ChannelSlice slice, int channels)
    {
        Tensor tensor = slice.Constant.Tensor!;
        float[] values = tensor.ToFloats();
        long inner = Tensor.ElementCount(tensor.Shape.AsSpan()[(slice.Axis + 1)..]);
        for (int i = 0; i < values.Length; i++)
        {
            long place = i / inner % tensor.Shape[slice.Axis] - slice.Start;
            if (place >= 0 && place / slice.Block < channels && place / slice.Block % 3 == 1)
                values[i] = 0;
        }
        return Tensor.Create(tensor.Shape.AsSpan(), values);
    }

    private static float[] Run(Model model, Tensor input)
    {
        using ModelSession session = new(model);
        return session.Run(new Dictionary<string, Tensor> { ["x"] = input })["y"].ToFloats();
    }
}
