using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class PoolingPassTests
{
    private readonly PoolingToConvolutionPass toConvolution = new();
    private readonly ReduceToPoolingPass toPooling = new();

    /// <summary>Operator set, rank and what an AveragePool that can become a convolution has beside its kernel of 2s.</summary>
    public static TheoryData<long, int, (string, NodeAttribute)[]> Pools { get; } = new()
    {
        { 17, 4, [("strides", new long[] { 2, 2 })] },
        { 17, 3, [] },
        { 17, 5, [("strides", new long[] { 1, 2, 1 })] },
        { 17, 4, [("auto_pad", "VALID")] },
        { 17, 4, [("pads", new long[] { 0, 0, 0, 0 }), ("ceil_mode", 0L)] },
        { 17, 4, [("pads", new long[] { 1, 0, 0, 1 }), ("count_include_pad", 1L)] },
        { 17, 4, [("auto_pad", "SAME_UPPER"), ("count_include_pad", 1L), ("strides", new long[] { 2, 2 })] },
        { 17, 4, [("auto_pad", "SAME_LOWER"), ("count_include_pad", 1L)] },
        { 19, 4, [("dilations", new long[] { 2, 1 })] },
        { 7, 4, [("strides", new long[] { 1, 2 })] },
    };

    [Theory, MemberData(nameof(Pools))]
    public void An_AveragePool_whose_border_counts_like_its_middle_is_a_convolution(long opset, int rank, (string, NodeAttribute)[] attributes)
    {
        long[] kernel = [.. Enumerable.Repeat(2L, rank - 2)];
        Model model = Build.Model(["n", 5, .. Enumerable.Repeat((Dimension)7, rank - 2)], (g, x) => g.Apply("Relu", [g.Apply("AveragePool", [x], [("kernel_shape", kernel), .. attributes])]), opset);
        if (opset < 11)
        {
            Assert.Equal(1, PassCheck.Count(PassCheck.Run(toConvolution, model).Model, "Conv")); // an If had to know its shapes then
            return;
        }
        PassCheck.Leaves(toConvolution, model, "AveragePool", 0);
        PassCheck.Leaves(toConvolution, model, "Conv", 1);
    }

    public static TheoryData<string, (string, NodeAttribute)[]> OtherPools { get; } = new()
    {
        { "its padding does not count", [("kernel_shape", new long[] { 2, 2 }), ("pads", new long[] { 1, 0, 0, 1 })] },
        { "its padding does not count", [("kernel_shape", new long[] { 2, 2 }), ("auto_pad", "SAME_UPPER")] },
        { "rounds its output size up", [("kernel_shape", new long[] { 2, 2 }), ("ceil_mode", 1L), ("strides", new long[] { 2, 2 })] },
        { "its kernel is too large", [("kernel_shape", new long[] { 17, 17 })] },
    };

    [Theory, MemberData(nameof(OtherPools))]
    public void Other_pools_stay(string reason, (string, NodeAttribute)[] attributes) => PassCheck.LeavesAlone(toConvolution, Build.Model([1, 5, 20, 20], (g, x) => g.Apply("AveragePool", [x], attributes)), reason);

    [Fact]
    public void Pools_of_unknown_or_other_things_stay()
    {
        Refuses(OnnxType.Of(ElementType.Float32, 1, "c", 8, 8), "the number of channels is not known", ("kernel_shape", new long[] { 2, 2 }));
        Refuses(new OnnxType.Tensor(ElementType.Float32, null), "the number of channels is not known", ("kernel_shape", new long[] { 2, 2 }));
        Refuses(OnnxType.Of(ElementType.Float64, 1, 3, 8, 8), "computes in Float64", ("kernel_shape", new long[] { 2, 2 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 3, 8, 8), "has no kernel_shape");
        Refuses(OnnxType.Of(ElementType.Float32, 1, 3, 8, 8), "does not fit its input", ("kernel_shape", new long[] { 2, 2, 2 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 3, 8, 8), "does not fit its input", ("kernel_shape", new long[] { 2, -1 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 0, 8, 8), "does not fit its input", ("kernel_shape", new long[] { 2, 2 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 3, 8, 8), "its kernel is too large", ("kernel_shape", new[] { long.MaxValue, long.MaxValue }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 1L << 40, 8, 8), "its kernel is too large", ("kernel_shape", new long[] { 2, 2 }));

        void Refuses(OnnxType type, string reason, params (string, NodeAttribute)[] attributes)
        {
            Model model = new(17, irVersion: 8);
            model.Graph.AddOutput(model.Graph.Apply("AveragePool", [model.Graph.AddInput("x", type)], attributes));
            PassCheck.Refuses(toConvolution, model, reason);
        }
    }

    /// <summary>Operator set, shape, and a mean over all spatial dimensions.</summary>
    public static TheoryData<long, long[], Func<Graph, Value, Value>> Means { get; } = new()
    {
        { 17, [2, 5, 4, 3], (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { 2, 3 })) },
        { 17, [2, 5, 4, 3], (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { -1, -2 }), ("keepdims", 0)) },
        { 11, [2, 5, 4, 3, 2], (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { 4, 2, 3 }), ("keepdims", 0)) },
        { 18, [2, 5, 4, 3], (g, x) => g.Apply("ReduceMean", [x, g.AddInitializer("axes", Tensor.Vector(2L, -1L))]) },
        { 17, [2, 5, 8], (g, x) => g.Apply("ReduceMean", [g.Apply("Relu", [g.Apply("Conv", [x, g.AddInitializer("w", Build.Normal(1, 1, 4, 5, 3))])])], ("axes", new long[] { 2 })) },
        { 17, [2, 5, 4, 3], (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 4, 3 })) },
        { 17, [2, 5, 4, 3], (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 4, 3 }), ("strides", new long[] { 4, 3 }), ("auto_pad", "VALID"), ("count_include_pad", 1L)) },
    };

    [Theory, MemberData(nameof(Means))]
    public void A_mean_over_the_picture_is_a_pooling(long opset, long[] shape, Func<Graph, Value, Value> write)
    {
        Model model = Build.Model([.. shape.Select(d => (Dimension)d)], (g, x) => g.Apply("Relu", [write(g, x)]), opset);
        PassCheck.Leaves(toPooling, model, "GlobalAveragePool", 1);
        PassCheck.Leaves(toPooling, model, "ReduceMean", 0);
        PassCheck.Leaves(toPooling, model, "AveragePool", 0);
        PassCheck.Settles(toPooling, model);
    }

    [Fact]
    public void Open_pictures_are_averaged_too() =>
        PassCheck.Leaves(toPooling, Build.Model(["n", 5, "h", "w"], (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { 2, 3 }), ("keepdims", 0))), "GlobalAveragePool", 1);

    public static TheoryData<string, long, Func<Graph, Value, Value>> OtherMeans { get; } = new()
    {
        { "goes over other dimensions", 17, (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { 1 })) },
        { "goes over other dimensions", 17, (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { 1, 2, 3 })) },
        { "goes over other dimensions", 17, (g, x) => g.Apply("ReduceMean", [x], ("axes", new long[] { 3 })) },
        { "goes over all dimensions", 17, (g, x) => g.Apply("ReduceMean", [x]) },
        { "its dimensions are not constant", 18, (g, x) => g.Apply("ReduceMean", [x, g.Apply("Cast", [g.Apply("Add", [g.Apply("Mul", [g.Apply("ReduceMax", [x], ("keepdims", 0)), g.AddInitializer("z", Tensor.Vector(0f))]), g.AddInitializer("t", Tensor.Vector(2f))])], ("to", 7))]) },
        { "its input has 2 dimensions", 17, (g, x) => g.Apply("ReduceMean", [g.Apply("Flatten", [x])], ("axes", new long[] { 1 })) },
        { "does not come from a convolution", 17, (g, x) => g.Apply("ReduceMean", [g.Apply("Reshape", [x, g.AddInitializer("s", Tensor.Vector(2L, 5, 12))])], ("axes", new long[] { 2 })) },
        { "is part of a normalization", 17, (g, x) => g.Apply("Sub", [x, g.Apply("ReduceMean", [x], ("axes", new long[] { 2, 3 }))]) },
        { "computes in Float64", 17, (g, x) => g.Apply("Cast", [g.Apply("ReduceMean", [g.Apply("Cast", [x], ("to", 11))], ("axes", new long[] { 2, 3 }))], ("to", 1)) },
        { "pools parts of its input", 17, (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 4, 2 })) },
        { "pads", 17, (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 4, 3 }), ("pads", new long[] { 0, 1, 0, 1 })) },
        { "pads", 17, (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 4, 3 }), ("auto_pad", "SAME_UPPER")) },
    };

    [Theory, MemberData(nameof(OtherMeans))]
    public void Other_means_stay(string reason, long opset, Func<Graph, Value, Value> write) => PassCheck.LeavesAlone(toPooling, Build.Model([2, 5, 4, 3], write, opset), reason);

    [Fact]
    public void Means_of_unknown_or_empty_things_stay()
    {
        Refuses(new OnnxType.Tensor(ElementType.Float32, null), "the rank of its input is not known", "ReduceMean", ("axes", new long[] { 2, 3 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 3, 0, 8), "its input is empty", "ReduceMean", ("axes", new long[] { 2, 3 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1, 3, "h", 8), "the size of its input is not known", "AveragePool", ("kernel_shape", new long[] { 8, 8 }));
        Refuses(OnnxType.Of(ElementType.Float32, 1), "the size of its input is not known", "AveragePool");

        void Refuses(OnnxType type, string reason, string opType, params (string, NodeAttribute)[] attributes)
        {
            Model model = new(17, irVersion: 8);
            model.Graph.AddOutput(model.Graph.Apply(opType, [model.Graph.AddInput("x", type)], attributes));
            PassCheck.Refuses(toPooling, model, reason);
        }
    }
}
