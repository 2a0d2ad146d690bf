using Tersor.Compression.Training;
using Tersor.Compression.Training.Students;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Tests.Distillation;

namespace Tersor.Training.Tests.Students;

/// <summary>Students made from real teachers learn from them.</summary>
public sealed class DerivedStudentTests
{
    [Theory]
    [InlineData("fmnist_resnet", true)]
    [InlineData("fmnist_vit", true)]
    [InlineData("fmnist_mobilenet", true)]
    [InlineData("fmnist_resnet", false)]
    [InlineData("fmnist_vit", false)]
    [InlineData("fmnist_mobilenet", false)]
    public void Real_models_give_students_that_run_and_learn(string name, bool shallow)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model teacher = Model.Load(SharedFiles.At("models", $"{name}.onnx"));
        Model student = shallow ? ShallowStudent.Derive(teacher, 0.5) : NarrowStudent.Derive(teacher, 0.5);
        Assert.True(student.ToBytes().Length < teacher.ToBytes().Length);
        Value input = student.Graph.Inputs[0];
        long[] shape = [.. input.Type!.AsTensor!.Shape!.Value.Select(d => d.Size ?? 1)];
        TrainingJob job = new(student, SmallData.Of(16, input.Name, random => (OnnxTensor.Create(shape, [.. Enumerable.Range(0, (int)OnnxTensor.ElementCount(shape)).Select(_ => random.NextSingle())]), OnnxTensor.Create([1], new[] { 0L }))),
            Nets.Short with { Epochs = 6, BatchSize = 8, LearningRate = 1e-3, BatchNormalization = BatchNormalizationMode.Freeze })
        { Teachers = [teacher], Distillation = new() { Alpha = 1 } };
        TrainingResult result = new Trainer(job).Run();
        Assert.True(result.History[^1].Loss < result.History[0].Loss, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
    }
}
