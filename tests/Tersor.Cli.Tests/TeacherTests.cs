using Tersor.Cli.Parsing;
using Tersor.Cli.Running;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Cli.Tests;

public sealed class TeacherTests
{
    [Fact]
    public void A_teacher_whose_input_has_another_name_is_run_on_what_its_student_is_fed()
    {
        using TestFolder folder = new();
        using CheckedModel student = Student(folder);
        SmallModels.Classifier("points").Save(folder.At("teacher.onnx"));
        using CheckedModel teacher = Teacher(student, folder.At("teacher.onnx"));
        Assert.Equal(["points"], teacher.RanOn!.Keys);
        Assert.Same(student.RanOn!["input"], teacher.RanOn["points"]);
    }

    [Fact]
    public void A_teacher_with_more_inputs_than_its_student_is_refused()
    {
        using TestFolder folder = new();
        using CheckedModel student = Student(folder);
        string path = folder.At("teacher.onnx");
        Model greedy = SmallModels.Classifier();
        greedy.Graph.AddInput("more", OnnxType.Of(ElementType.Float32, 1));
        greedy.Save(path);
        TrainingException error = Assert.Throws<TrainingException>(() => Teacher(student, path));
        Assert.Equal($"{path} takes input, more, and the student input: nothing is left for 'more'. A teacher can be fed only what its student is.", error.Message);
    }

    [Fact]
    public void A_teacher_that_takes_other_shapes_is_refused()
    {
        using TestFolder folder = new();
        using CheckedModel student = Student(folder);
        SmallModels.LargeDense().Save(folder.At("teacher.onnx"));
        RuntimeException error = Assert.Throws<RuntimeException>(() => Teacher(student, folder.At("teacher.onnx")));
        Assert.StartsWith($"{folder.At("teacher.onnx")} does not run on the input given: ", error.Message, StringComparison.Ordinal);
    }

    private static CheckedModel Student(TestFolder folder)
    {
        SmallModels.Classifier().Save(folder.At("student.onnx"));
        return CheckedModel.Load(folder.At("student.onnx"), new(), DataRequest.None, null, Silent(), TestContext.Current.CancellationToken);
    }

    private static CheckedModel Teacher(CheckedModel student, string path) => CheckedModel.LoadTeacher(student, path, new(), Silent(), TestContext.Current.CancellationToken);

    private static Terminal Silent() => new(TextWriter.Null, TextWriter.Null);
}
