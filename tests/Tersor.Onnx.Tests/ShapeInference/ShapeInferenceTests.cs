using Tersor.Testing;

namespace Tersor.Onnx.Tests.Inference;

public sealed class ShapeInferenceTests(ITestOutputHelper output)
{
    [Fact]
    public void What_is_inferred_of_backend_models_is_what_running_gives()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        InferredAgainstObserved check = new();
        int run = BackendCase.All.Count(test => check.Check(test.Name, test.Model, test.Inputs));
        output.WriteLine($"{run} models, {check}");
        Assert.True(check.Failures.Count == 0, string.Join('\n', check.Failures));
        Assert.True(run >= 1150 && check.Types >= 0.98 * check.Values && check.Shapes >= 0.92 * check.Values, check.ToString());
    }

    [Fact]
    public void Wrong_declarations_and_broken_nodes_make_values_unknown_and_throw_nothing()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Random random = new(5);
        foreach (BackendCase test in BackendCase.All)
        {
            for (int round = 0; round < 4; round++)
            {
                Model model = test.Model.Clone();
                foreach (Value value in model.Graph.Inputs.Concat(model.Graph.Nodes.SelectMany(n => n.Outputs)).OfType<Value>())
                    value.Type = OnnxType.Of((ElementType)random.Next(0, 24), [.. Enumerable.Range(0, random.Next(5)).Select(_ => (Dimension)new[] { 0L, 1, 2, 7, -1, long.MaxValue }[random.Next(6)])]);
                foreach (Node node in model.Graph.Nodes)
                {
                    if (round > 1 && node.Inputs.Count > 0 && random.Next(2) == 0)
                        node.TruncateInputs(random.Next(node.Inputs.Count));
                    foreach (string name in node.Attributes.Where(a => a.Value is NodeAttribute.Ints or NodeAttribute.Int).Select(a => a.Key).ToArray())
                    {
                        if (random.Next(2) == 0)
                            node.SetAttribute(name, node.Attributes[name] is NodeAttribute.Int ? random.Next(-9, 9) : Enumerable.Range(0, random.Next(4)).Select(_ => random.NextInt64(-3, 9)).ToArray());
                    }
                }
                ModelCosts.Of(model, Onnx.ShapeInference.Infer(model));
                ModelCosts.Of(model, Onnx.ShapeInference.Infer(model, null, test.Inputs.ToDictionary(i => i.Key, i => Enumerable.Range(0, random.Next(5)).Select(_ => random.NextInt64(-2, 9)).ToArray())));
            }
        }
    }

    [Fact]
    public void What_is_inferred_of_real_models_is_what_running_gives()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        InferredAgainstObserved check = new();
        foreach (string path in SharedFiles.Models.Concat(SharedFiles.LightModels.Where(p => new[] { "inception_v1", "shufflenet", "squeezenet" }.Any(p.Contains))))
        {
            Model model = Model.Load(path);
            InferredAgainstObserved one = new();
            Assert.True(one.Check(Path.GetFileName(path), model, RandomInputs.ForShared(path, model), throughBranches: true));
            output.WriteLine($"{Path.GetFileName(path)}: {one}");
            check.Failures.AddRange(one.Failures);
            // What a Loop gives depends on how often it runs: only of what is behind it, and of sequences, the shape is open.
            bool loops = model.Graph.Nodes.Any(n => n.Is("Loop"));
            Assert.True(one.Values >= (path.Contains("vad_lstm") ? 80 : loops ? 95 : 6));
            Assert.True(one.Shapes >= one.Values - (loops ? 6 : 0));
        }
        Assert.True(check.Failures.Count == 0, string.Join('\n', check.Failures));
    }
}
