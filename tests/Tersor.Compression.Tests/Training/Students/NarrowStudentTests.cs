using Tersor.Compression.Training;
using Tersor.Compression.Training.Students;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Training.Students;

public sealed class NarrowStudentTests
{
    [Theory]
    [InlineData("fmnist_lenet300")]
    [InlineData("fmnist_lenet5")]
    [InlineData("fmnist_cnn")]
    [InlineData("fmnist_resnet")]
    [InlineData("fmnist_mobilenet")]
    [InlineData("fmnist_vit")]
    [InlineData("ocr_cls")]
    [InlineData("ocr_det")]
    public void Real_models_become_narrower_and_run(string name)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model teacher = Model.Load(SharedFiles.At("models", $"{name}.onnx"));
        Model student = NarrowStudent.Derive(teacher, 0.5);
        double left = (double)student.WeightBytes() / teacher.WeightBytes();
        Assert.InRange(left, 0.1, 0.7);
        // What goes in and what comes out is as before.
        IReadOnlyDictionary<string, Tensor> Run(Model model)
        {
            using ModelSession session = new(model);
            return session.Run(SampleInputs(model));
        }

        IReadOnlyDictionary<string, Tensor> expected = Run(teacher), actual = Run(student);
        Assert.Equal(expected.Select(e => (e.Key, string.Join(',', e.Value.Shape))), actual.Select(e => (e.Key, string.Join(',', e.Value.Shape))));
        Assert.All(actual.Values, v => Assert.All(v.ToFloats(), x => Assert.True(float.IsFinite(x))));
    }

    [Fact]
    public void The_largest_channels_stay_with_their_weights()
    {
        // Two channels of four are larger; the last layer's columns follow them.
        Model teacher = Build.Model([1, 2], (g, x) => g.Apply("Gemm",
            [g.Apply("Relu", [g.Apply("Gemm", [x, g.AddInitializer("a", Tensor.Create([4, 2], new float[] { 1, 1, 3, 3, 0, 1, 2, 2 })), g.AddInitializer("ab", Tensor.Vector(1f, 2f, 3f, 4f))], ("transB", 1L))]),
                g.AddInitializer("c", Tensor.Create([2, 4], new float[] { 1, 2, 3, 4, 5, 6, 7, 8 }))], ("transB", 1L)));
        Model student = NarrowStudent.Derive(teacher, 0.5);
        float[] Numbers(string name) => student.Graph.Initializers.Single(v => v.Name == name).Tensor!.ToFloats();
        Assert.Equal([3, 3, 2, 2], Numbers("a"));
        Assert.Equal([2, 4], Numbers("ab"));
        Assert.Equal([2, 4, 6, 8], Numbers("c"));
    }

    [Fact]
    public void Without_channels_that_could_go_it_says_why()
    {
        Model model = Build.Model([1, 3, 4, 4], (g, x) => g.Conv(x, 1, 3, 8));
        TrainingException error = Assert.Throws<TrainingException>(() => NarrowStudent.Derive(model, 0.5));
        Assert.StartsWith("The teacher has no channels that could go. 8 channels of 'w'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'y' is given out", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => NarrowStudent.Derive(model, 0));
    }

    private static Dictionary<string, Tensor> SampleInputs(Model model) => model.Graph.Inputs.Where(i => !i.IsInitializer).ToDictionary(i => i.Name, i =>
    {
        long[] shape = [.. i.Type!.AsTensor!.Shape!.Value.Select((d, axis) => d.Size ?? (axis == 0 ? 2 : axis == 1 ? 3 : 64))];
        return Build.Normal(1, 1, shape);
    });
}
