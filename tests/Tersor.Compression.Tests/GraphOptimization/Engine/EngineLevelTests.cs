using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class EngineLevelTests
{
    [Fact]
    public void Real_models_keep_their_outputs()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        foreach (string path in SharedFiles.Models.Where(p => !p.EndsWith("lines_mlsd.onnx", StringComparison.Ordinal)))
        {
            OptimizationResult result = new GraphOptimizer(new() { Level = OptimizationLevel.Engine }).Run(Model.Load(path));
            Assert.All(result.Steps, s => Assert.Null(s.RolledBack));
            Assert.True(result.Difference!.Relative <= 1e-4 && result.DifferenceAtDefaults?.Relative is null or <= 1e-4, $"{path}: {result.Difference}, {result.DifferenceAtDefaults}");
        }
    }

    [Theory]
    [InlineData("light_shufflenet", "Transpose"), InlineData("light_densenet121", "BatchNormalization"), InlineData("light_squeezenet", "Dropout"), InlineData("light_inception_v2", "BatchNormalization")]
    public void Architectures_with_random_weights_keep_their_outputs_through_every_pass_for_integers(string name, string gone)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("onnx-backend-tests", "light", $"{name}.onnx"));
        RandomWeights.Fill(model, seed: 1);
        IReadOnlyDictionary<string, RuntimeValue>[] samples = [SampleInputs.Make(model, 1, new(1, 1))!];
        OptimizationResult result = new GraphOptimizer(new()
        {
            Level = OptimizationLevel.Engine,
            With = ["shuffle-to-gather", "pooling-to-convolution", "pad-channels", "pad-input-channels", "recognize-attention"],
            NormalizationToConvolution = new(),
            MaxGrowth = 2,
            Samples = samples,
        }).Run(model);
        Assert.All(result.Steps, s => Assert.Null(s.RolledBack));
        Assert.True(result.IsChanged && result.Difference!.Relative <= 1e-4, $"{result.Difference}");
        Assert.False(result.NodesAfter.ContainsKey(gone));
    }
}
