using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;

namespace Tersor.Training.Tests.Distillation;

public sealed class DistillationTests
{
    private static readonly Lazy<Model> Teacher = new(() => Nets.Trained(32));

    [Fact]
    public void A_student_without_labels_comes_to_agree_with_its_teacher()
    {
        Model student = Nets.Dense(12, seed: 5);
        TrainingResult result = new Trainer(new(student, Nets.Unlabelled(256), Nets.Short with { Epochs = 40 }) { Teachers = [Teacher.Value] }).Run();
        double before = Agreement(student, Teacher.Value), after = Agreement(result.Model, Teacher.Value);
        Assert.True(after > 0.95, $"agreement went from {before} to {after}");
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 4, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
    }

    [Fact]
    public void A_softmax_at_either_end_changes_nothing()
    {
        byte[] plain = Student(Nets.Dense(8, seed: 5), Nets.Dense(16)).Bytes();
        Model closed = Student(Nets.Dense(8, seed: 5), Nets.Dense(16, closing: "Softmax")).Model;
        Assert.Equal(plain, closed.ToBytes());
        Assert.Equal(Weights(Model(plain)), Weights(Student(Nets.Dense(8, seed: 5, closing: "Softmax"), Nets.Dense(16)).Model));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Sigmoid")]
    public void One_number_is_learned_as_a_value_or_an_answer(string? closing)
    {
        TrainingResult result = Student(Nets.Dense(16, 1, seed: 5, closing: closing), Nets.Dense(16, 1, closing: closing), epochs: 40);
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 4, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
    }

    [Fact]
    public void Values_that_end_in_different_operators_do_not_compare_as_classes()
    {
        Model teacher = Nets.Dense(16, 2, closing: "Sigmoid"), student = Nets.Dense(8, 2, seed: 5, closing: "Softmax");
        TrainingException error = Assert.Throws<TrainingException>(() => Student(student, teacher));
        Assert.Equal("Output 'y' of the student and its teachers end in Sigmoid and Softmax, which do not compare as classes. Compare them as values.", error.Message);
        Student(student, teacher, settings: new() { SoftLoss = SoftLoss.Values });
    }

    [Fact]
    public void Alpha_of_nothing_is_training_on_labels_alone()
    {
        TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(64), Nets.Short);
        byte[] alone = new Trainer(job).Run().Bytes();
        Assert.Equal(alone, new Trainer(job with { Teachers = [Teacher.Value], Distillation = new() { Alpha = 0 } }).Run().Bytes());
        Assert.NotEqual(alone, new Trainer(job with { Teachers = [Teacher.Value] }).Run().Bytes());
    }

    [Fact]
    public void Alpha_of_one_needs_no_labels()
    {
        TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(64), Nets.Short) { Teachers = [Teacher.Value], Distillation = new() { Alpha = 1 } };
        Assert.Equal(new Trainer(job).Run().Bytes(), new Trainer(job with { Data = Nets.Unlabelled(64), Distillation = new() { Alpha = 0.5 } }).Run().Bytes());
        Assert.Equal(new Trainer(job).Run().Bytes(), new Trainer(job with { Distillation = new() { Alpha = 0.5 }, Settings = Nets.Short with { Loss = new TrainingLoss.None() } }).Run().Bytes());
    }

    [Fact]
    public void In_a_batch_that_is_labelled_in_part_every_sample_counts_as_in_one_of_its_own()
    {
        const double Alpha = 0.6;
        IDataSet points = SmallData.Quadrants(16), labelled = points.Take(4, 3), mixed = new InMemoryDataSet("mixed", [.. Enumerable.Range(0, 16).Select(points.Read)
            .Select(s => Enumerable.Range(0, 4).Any(i => labelled.Read(i).Name == s.Name) ? s : s with { Labels = new Dictionary<string, OnnxTensor>() })]);
        IDataSet others = new InMemoryDataSet("others", [.. Enumerable.Range(0, 16).Select(mixed.Read).Where(s => s.Labels.Count == 0)]);
        Assert.Equal(12, others.Count);
        float[] with = Step(labelled, Alpha), without = Step(others, Alpha), both = Step(mixed, Alpha);
        Assert.Contains(with.Zip(without), m => Math.Abs(m.First - m.Second) > 1e-3);
        for (int i = 0; i < both.Length; i++)
            Assert.Equal(0.25 * with[i] + 0.75 * without[i], both[i], 1e-6);

        // How far plain descent moves every weight in one step.
        static float[] Step(IDataSet data, double alpha)
        {
            Model student = Nets.Dense(8, seed: 5);
            TrainingSettings settings = Nets.Short with { Epochs = 1, Optimizer = new TrainingOptimizer.Sgd(0), ClipNorm = null, Schedule = new LearningRateSchedule.Constant(), LearningRate = 0.1 };
            return [.. Weights(new Trainer(new(student, data, settings) { Teachers = [Teacher.Value], Distillation = new() { Alpha = alpha } }).Run().Model).Zip(Weights(student), (after, before) => after - before)];
        }
    }

    [Fact]
    public void How_outputs_are_compared_does_not_depend_on_the_labels_of_the_first_batch()
    {
        IDataSet points = SmallData.Quadrants(64);
        // Numbers are labels of the last sample alone; without them, two outputs would be two classes.
        IDataSet data = new InMemoryDataSet("points", [.. Enumerable.Range(0, 64).Select(points.Read).Select((s, i) => s with { Labels = i < 63 ? new Dictionary<string, OnnxTensor>() : new() { ["label"] = OnnxTensor.Create([1, 2], new float[] { 1, 2 }) } })]);
        TrainingJob job = new(Nets.Dense(8, seed: 5), data, Nets.Short) { Teachers = [Nets.Dense(16)] };
        Assert.Equal(new Trainer(job with { Distillation = new() { SoftLoss = SoftLoss.Values } }).Run().Bytes(), new Trainer(job).Run().Bytes());
        Assert.NotEqual(new Trainer(job with { Distillation = new() { SoftLoss = SoftLoss.Classes } }).Run().Bytes(), new Trainer(job).Run().Bytes());
    }

    [Fact]
    public void Schedules_go_in_a_straight_line()
    {
        DistillationSettings settings = new() { Temperature = 8, TemperatureEnd = 2, Alpha = 1, AlphaEnd = 0.5 };
        Assert.Equal([8, 5, 2], [settings.TemperatureAt(0), settings.TemperatureAt(0.5), settings.TemperatureAt(1)]);
        Assert.Equal([1, 0.75, 0.5], [settings.AlphaAt(0), settings.AlphaAt(0.5), settings.AlphaAt(1)]);
        TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(64), Nets.Short) { Teachers = [Teacher.Value] };
        string[] models = [.. new[] { settings, settings with { AlphaEnd = null }, settings with { TemperatureEnd = null } }.Select(s => Convert.ToHexString(new Trainer(job with { Distillation = s }).Run().Bytes()))];
        Assert.Distinct(models);
    }

    [Fact]
    public void Two_equal_teachers_are_as_one()
    {
        TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(64), Nets.Short with { Optimizer = new TrainingOptimizer.Sgd() });
        float[] one = Taught(Teacher.Value);
        Assert.All(one.Zip(Taught(Teacher.Value, Teacher.Value)), w => Assert.Equal(w.First, w.Second, 1e-4f));
        float[] other = Taught(Teacher.Value, Nets.Dense(8, seed: 9));
        Assert.Contains(one.Zip(other), w => Math.Abs(w.First - w.Second) > 1e-2);

        float[] Taught(params Model[] teachers) => Weights(new Trainer(job with { Teachers = teachers }).Run().Model);
    }

    [Fact]
    public void Outputs_and_inputs_that_do_not_match_are_named()
    {
        TrainingException error = Assert.Throws<TrainingException>(() => Student(Nets.Dense(8, seed: 5), Nets.Dense(8, outputs: 3)));
        Assert.Equal("Output 'y' of the student has shape [16,2], and 'y' of teacher 1 [16,3]. Both must answer the same question: give the student as many classes and positions as its teacher, or name outputs so that the right ones meet.", error.Message);
        Model greedy = Nets.Dense(8);
        greedy.Graph.AddInput("more", OnnxType.Of(ElementType.Float32, 1));
        error = Assert.Throws<TrainingException>(() => Student(Nets.Dense(8, seed: 5), greedy));
        Assert.Equal("Teacher 1 takes x, more, and the student x: nothing is left for 'more'. A teacher can be fed only what its student is.", error.Message);
        error = Assert.Throws<TrainingException>(() => new Trainer(new(greedy, SmallData.Quadrants(4), Nets.Short) { Distillation = new() }));
        Assert.Equal("Distillation is asked for, and there is no teacher. Name one.", error.Message);
    }

    [Fact]
    public void Inputs_and_outputs_of_other_names_meet_by_position()
    {
        Model renamed = Teacher.Value.Clone();
        renamed.Graph.Inputs[0].Rename("points");
        renamed.Graph.Outputs[0].Rename("classes");
        Assert.Equal(Student(Nets.Dense(8, seed: 5), Teacher.Value).Bytes(), Student(Nets.Dense(8, seed: 5), renamed).Bytes());
    }

    [Fact]
    public void Every_output_counts()
    {
        Model teacher = Two(16, 1), student = Two(8, 5);
        TrainingResult result = Student(student, teacher, epochs: 60, settings: new() { Alpha = 1 });
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 4, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
        Assert.Equal(result.Model.Graph.Initializers.Count, result.Trained.Count);
        Assert.All(student.Graph.Initializers.Zip(result.Model.Graph.Initializers), v => Assert.False(v.First.Tensor!.ContentEquals(v.Second.Tensor!)));

        static Model Two(int width, int seed)
        {
            Model model = Nets.Dense(width, seed: seed);
            Value second = model.Graph.Apply("MatMul", [model.Graph.Nodes.First(n => n.Is("Relu")).Outputs[0]!, model.Graph.AddInitializer("v", Build.Normal(seed + 2, 0.5, width, 1))]);
            second.Type = OnnxType.Of(ElementType.Float32, "N", 1);
            model.Graph.AddOutput(second);
            return model;
        }
    }

    private static TrainingResult Student(Model student, Model teacher, int epochs = 4, DistillationSettings? settings = null) =>
        new Trainer(new(student, SmallData.Quadrants(64), Nets.Short with { Epochs = epochs, Loss = new TrainingLoss.None() }) { Teachers = [teacher], Distillation = settings }).Run();

    private static Model Model(byte[] bytes) => Onnx.Model.Load(new MemoryStream(bytes));

    private static float[] Weights(Model model) => [.. model.Graph.Initializers.SelectMany(v => v.Tensor!.ToFloats())];

    private static double Agreement(Model one, Model other)
    {
        using GraphProgram first = new(one), second = new(other);
        IDataSet data = SmallData.Quadrants(200, seed: 77);
        return Enumerable.Range(0, data.Count).Count(i => Answer(first, data.Read(i)) == Answer(second, data.Read(i))) / (double)data.Count;

        static long Answer(GraphProgram program, Sample sample)
        {
            using Tensor x = TorchTensors.ToTorch(sample.Steps[0]["x"]), y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x })[0]!;
            return y.argmax().item<long>();
        }
    }
}
