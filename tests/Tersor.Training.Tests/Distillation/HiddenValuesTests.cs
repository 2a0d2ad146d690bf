using Tersor.Compression.Training;

namespace Tersor.Training.Tests.Distillation;

public sealed class HiddenValuesTests
{
    private static readonly DistillationSettings Hidden = new() { Features = [new("hidden", "hidden")], FeatureWeight = 10 };

    private readonly TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(64), Nets.Short with { Epochs = 30 }) { Teachers = [Nets.Dense(16)] };

    [Fact]
    public void Features_are_learned_through_a_map_that_is_trained_too()
    {
        TrainingResult result = new Trainer(job with { Distillation = Hidden with { Alpha = 0 } }).Run();
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 2, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
        Assert.DoesNotContain(result.Trained, n => n.StartsWith("features", StringComparison.Ordinal));
        Assert.Equal(job.Model.Graph.Initializers.Count, result.Model.Graph.Initializers.Count);
    }

    [Fact]
    public void The_map_is_trained_where_the_student_may_not_change_what_leads_to_it()
    {
        TrainingSettings settings = job.Settings with { Loss = new TrainingLoss.None(), Weights = new() { Freeze = ["w", "b"] } }; // the first layer
        TrainingResult result = new Trainer(job with { Settings = settings, Distillation = Hidden with { FeatureWeight = 1000 } }).Run();
        Assert.True(result.History[^1].Loss < result.History[0].Loss * 0.7, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
    }

    [Fact]
    public void Values_that_are_not_there_are_named()
    {
        TrainingException error = Assert.Throws<TrainingException>(() => new Trainer(job with { Distillation = new() { Features = [new("hiden", "hidden")] } }).Run());
        Assert.StartsWith("No value of the student is called 'hiden',", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TrainingException>(() => new Trainer(job with { Distillation = new() { Features = [new("hidden", "hiden")] } }).Run());
        Assert.StartsWith("No value of teacher 1 is called 'hiden',", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TrainingException>(() => new Trainer(job with { Distillation = new() { Features = [new("hidden", "hidden", 1)] } }).Run());
        Assert.Equal("'hidden' is asked of teacher 2, but there is 1.", error.Message);
    }

    [Fact]
    public void Maps_of_attention_are_learned_by_convolutions()
    {
        TrainingJob images = Images.Job with { Distillation = new() { Alpha = 0, Attention = [new("hidden", "hidden")] } };
        TrainingResult result = new Trainer(images).Run();
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 2, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
    }
}
