using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class QuantizeWeightsPassTests
{
    private readonly QuantizeWeightsPass pass = new(new() { MinElements = 100 });

    [Fact]
    public void What_the_engine_restores_is_the_nearest_multiple_of_the_channels_scale()
    {
        Tensor weight = Build.Normal(4, 0.3, 24, 32);
        Model model = Build.Model([32, 32], (g, x) => g.Apply("Gemm", [x, g.AddInitializer("w", weight)], ("transB", 1L)));
        pass.Run(model, PassContext.None);

        float[] identity = new float[32 * 32];
        for (int i = 0; i < 32; i++)
            identity[i * 33] = 1;
        using ModelSession session = new(model);
        float[] actual = session.Run(new Dictionary<string, Tensor> { ["x"] = Tensor.Create([32, 32], identity) })["y"].ToFloats();

        float[] scales = model.Graph.Initializers.Single(v => v.Name == "w_scale").Tensor!.ToFloats();
        for (int c = 0; c < 24; c++)
        {
            float most = Enumerable.Range(0, 32).Max(k => MathF.Abs(weight.Span<float>()[c * 32 + k]));
            Assert.InRange(scales[c] * 127 / most, 0.99f, 1.01f);
            for (int k = 0; k < 32; k++)
                Assert.Equal(scales[c] * Math.Clamp(MathF.Round(weight.Span<float>()[c * 32 + k] / scales[c]), -127, 127), actual[k * 24 + c], 1e-6f);
        }
    }

    [Fact]
    public void The_engine_folds_the_restoring_nodes_at_load()
    {
        Model model = Build.Model([1, 16, 8, 8], (g, x) => g.Conv(x, 1, 16, 32));
        pass.Run(model, PassContext.None);
        string folder = Directory.CreateTempSubdirectory("tersor-test-").FullName;
        string path = Path.Combine(folder, "optimized.onnx");
        using (ModelSession session = new(model, new SessionSettings { Optimization = EngineOptimization.Basic, OptimizedModelPath = path }))
        {
        }
        Assert.Equal(["Conv"], Model.Load(path).AllNodes().Select(n => n.OpType));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Small_constrained_and_kept_weights_stay_and_are_reported()
    {
        Model model = Build.Model([4, 32], (g, x) => g.Apply("MatMul", [g.Apply("MatMul", [g.Apply("MatMul", [x, g.AddInitializer("tied", Build.Normal(1, 1, 32, 32))]), g.AddInitializer("kept", Build.Normal(2, 1, 32, 32))]), g.AddInitializer("small", Build.Normal(3, 1, 32, 2))]));
        model.Graph.Initializers.Single(v => v.Name == "tied").Constraints.Add(new Constraint.Tie("a"));
        Node kept = model.Graph.Initializers.Single(v => v.Name == "kept").Uses[0].Node;
        PassReport report = new QuantizeWeightsPass(new() { MinElements = 100, KeepFloat = n => ReferenceEquals(n, kept) ? "by request" : null }).Run(model, PassContext.None);
        Assert.Empty(report.Changes);
        Assert.Equal([new("tied", "it is constrained (Tie)"), new("kept", "by request"), new("small", "64 elements, fewer than 100")], report.Skipped);
    }
}
