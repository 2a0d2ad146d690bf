using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Onnx.Opsets;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

/// <summary>A BatchNormalization in training form normalizes by the batch and has outputs nobody need read; no pass takes it for one at inference.</summary>
public sealed class TrainingFormTests
{
    /// <summary>Operator sets that tell training apart in different ways, with the outputs they have then.</summary>
    public static TheoryData<long, int> Forms => new() { { 9, 5 }, { 13, 5 }, { 14, 3 }, { 15, 3 }, { 21, 3 } };

    [Theory, MemberData(nameof(Forms))]
    public void No_pass_changes_what_it_computes(long opset, int outputs)
    {
        Model model = Network(opset, outputs);
        foreach (PassEntry entry in PassCatalog.Entries)
        {
            Pass pass = entry.Create(null);
            if (pass.Effect == PassEffect.Lossy || pass.Problems(model, PassContext.None).Any())
                continue;
            Model changed = model.Clone();
            pass.Run(changed, new() { ValueTypes = TypeInference.Infer(changed, InProcessRunner.Instance) });
            Node kept = Assert.Single(changed.AllNodes(), n => n.Is("BatchNormalization"));
            Assert.True(kept.Outputs.Count(o => o is not null) == outputs, $"{entry.Name} left {kept.Outputs.Count(o => o is not null)} outputs");
            Same(model, changed);
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void The_optimizer_keeps_it_and_works_on_the_rest_without_a_run_to_verify_with(long opset, int outputs)
    {
        Model model = Network(opset, outputs, runs: false);
        OptimizationResult result = new GraphOptimizer(new()).Run(model);
        Assert.NotNull(result.NotVerified);
        Assert.DoesNotContain(result.Model.AllNodes(), n => n.Is("Identity"));
        Assert.Equal(outputs, Assert.Single(result.Model.AllNodes(), n => n.Is("BatchNormalization")).Outputs.Count(o => o is not null));
    }

    [Fact]
    public void Raised_it_is_in_training_form_still()
    {
        Model model = Network(9, 5), raised = model.Clone();
        OpsetRaiser.Raise(raised, 15);
        Node node = Assert.Single(raised.AllNodes(), n => n.Is("BatchNormalization"));
        Assert.True(node.NormalizesByBatch());
        Assert.Equal(3, node.Outputs.Count);
        Same(model, raised);
    }

    [Fact]
    public void Outputs_of_one_at_inference_go_where_nothing_reads_them()
    {
        // Before operator set 7 the attribute alone says which form it is in.
        Model model = Build.Model([1, 4, 6, 6], (g, x) => Normalize(g, x, 5, ("is_test", 1L)), 6);
        Assert.False(model.AllNodes().Single().NormalizesByBatch());
        new RemoveUnreachablePass().Run(model, PassContext.None);
        Assert.Single(model.AllNodes().Single().Outputs, o => o is not null);
    }

    [Theory, InlineData("bn-training-9-unverified"), InlineData("bn-training-15-unverified"), InlineData("bn-training-15")]
    public void Those_of_the_cases_keep_their_outputs(string name)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("cases", $"{name}.onnx"));
        OptimizationResult result = new GraphOptimizer(new()).Run(model);
        Assert.Equal(Outputs(model), Outputs(result.Model));
        Assert.DoesNotContain(result.Steps, s => s.RolledBack is not null);

        static int[] Outputs(Model model) => [.. model.AllNodes().Where(n => n.Is("BatchNormalization")).Select(n => n.Outputs.Count(o => o is not null))];
    }

    private static void Same(Model model, Model changed)
    {
        Dictionary<string, Tensor> input = new() { ["x"] = Build.Normal(3, 1, 2, 3, 6, 6) };
        Assert.Empty(Running.Differences(Running.Run(model, input), Running.Run(changed, input), 1e-5));
    }

    /// <summary>Conv → BatchNormalization → Relu → Identity → Conv.</summary>
    private static Model Network(long opset, int outputs, bool runs = true) => Build.Model([2, 3, 6, 6], (g, x) =>
    {
        Value normalized = Normalize(g, g.Conv(x, 1, 3, 4), outputs, opset >= 14 ? [("training_mode", 1L)] : []);
        Value end = g.Conv(g.Apply("Identity", [g.Apply("Relu", [normalized])]), 2, 4, 4);
        return runs ? end : g.Apply("Reshape", [end, g.AddInitializer("shape", Tensor.Vector(7L, 7L))]);
    }, opset);

    private static Value Normalize(Graph graph, Value x, int outputs, params (string, NodeAttribute)[] attributes)
    {
        Value[] parameters = [.. Enumerable.Range(1, 4).Select(i => graph.AddInitializer($"p{i}", Tensor.Create([4], [.. Enumerable.Range(1, 4).Select(c => 0.3f * c + 0.1f * i)])))];
        string[] names = ["n", "mean", "variance", "saved_mean", "saved_variance"];
        return graph.AddNode("BatchNormalization", [x, .. parameters], names.AsSpan(0, outputs), attributes.Select(a => new KeyValuePair<string, NodeAttribute>(a.Item1, a.Item2))).Outputs[0]!;
    }
}
