namespace Tersor.Cli.Tests;

/// <summary>The command line of training. That models are trained well is tested with the package that trains.</summary>
public sealed class TrainTests
{
    [Theory]
    [InlineData("train a.onnx -o b.onnx", "--data")]
    [InlineData("train a.onnx -o b.onnx --data d.yaml --schedule linear", "--schedule is 'linear'")]
    [InlineData("train a.onnx -o b.onnx --data d.yaml --learning-rate -1", "LearningRate is -1; expected a positive number.")]
    [InlineData("train a.onnx -o b.onnx --data d.yaml --loss mse --label-smoothing 0.1", "--label-smoothing is cross-entropy's, and --loss is mse")]
    [InlineData("train a.onnx -o b.onnx --data d.yaml --optimizer sgd --momentum 1.5", "Momentum is 1.5; expected 0..1, 1 excluded.")]
    [InlineData("train a.onnx -o b.onnx --data d.yaml --checkpoint b.onnx", "--checkpoint 'b.onnx' is the model.")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml", "name one with --teacher")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --shallow 2", "--shallow is 2; expected 0..1")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --shallow half", "--shallow is 'half'; expected a number.")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --narrow 0.6 --narrow third", "--narrow is 'third'; expected a number.")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --narrow 0", "--narrow is 0; expected above 0 and at most 1.")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --narrow 0.6 --narrow 0.3 --shallow 0.5", "--shallow is given 1 time and --narrow 2")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --teacher t.onnx --temperature 0", "Temperature is 0")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --teacher t.onnx --feature relu", "--feature 'relu' is not understood")]
    [InlineData("distill a.onnx -o b.onnx --data d.yaml --teacher b.onnx", "is a model that is learned from")]
    public async Task Wrong_usage_is_told_before_anything_is_loaded(string line, string message)
    {
        Cli outcome = await Cli.Run(line.Split(' '));
        Assert.Equal(ExitCodes.WrongUsage, outcome.ExitCode);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_package_the_message_says_how_to_get_it()
    {
        using TestFolder folder = new();
        string model = folder.At("model.onnx");
        SmallModels.Classifier().Save(model);
        Cli outcome = await Cli.Run("train", model, "-o", folder.At("out.onnx"), "--data", "random,count=4");
        Assert.Equal(ExitCodes.Failed, outcome.ExitCode);
        Assert.Contains("Tersor.Training, which is not installed", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("tersor install training", outcome.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("out.onnx")));
    }
}
