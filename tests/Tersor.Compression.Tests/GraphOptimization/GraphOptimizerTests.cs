using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class GraphOptimizerTests
{
    [Fact]
    public void A_model_with_nothing_to_do_comes_back_unchanged()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Apply("Relu", [g.Conv(x, 1, 3, 4)]));
        OptimizationResult result = new GraphOptimizer(new()).Run(model);
        Assert.False(result.IsChanged);
        Assert.Same(model, result.Model);
        Assert.Equal((1, null), (result.VerifiedSamples, result.NotVerified));
    }

    [Fact]
    public void A_step_whose_outputs_differ_is_rolled_back_and_the_others_stay()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Apply("Mul", [g.Conv(g.Apply("Identity", [g.Apply("Exp", [x])]), 1, 3, 4), g.AddInitializer("s", Tensor.Scalar(2f / 3))]));
        OptimizationResult result = new GraphOptimizer(new() { Tolerance = 1e-12 }).Run(model); // below what rounding once costs
        OptimizationStep step = Assert.Single(result.Steps, s => s.RolledBack is not null);
        Assert.Equal("fold-batch-normalization", step.Pass);
        Assert.Contains("outputs differ", step.RolledBack);
        Assert.Equal((0, 1), (result.NodesAfter.GetValueOrDefault("Identity"), result.NodesAfter["Mul"]));
        Assert.True(result.Difference!.BitEqual);
    }

    [Fact]
    public void A_model_the_engine_cannot_run_gets_structural_passes_only_and_says_so()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Apply("Identity", [g.AddNode("NoSuchOperator", [g.Apply("Mul", [g.Conv(x, 1, 3, 4), g.AddInitializer("s", Tensor.Scalar(2f))])], ["z"], domain: "nobody").Outputs[0]]));
        model.OpsetImports["nobody"] = 1;
        OptimizationResult result = new GraphOptimizer(new()).Run(model);
        Assert.NotNull(result.NotVerified);
        Assert.Equal((0, null), (result.VerifiedSamples, result.Difference));
        Assert.Equal((0, 1), (result.NodesAfter.GetValueOrDefault("Identity"), result.NodesAfter["Mul"]));
    }

    /// <summary>Nodes that say what their operators do not allow; the engine refuses all of them.</summary>
    public static TheoryData<string, Func<Graph, Value, Value>> Broken { get; } = new()
    {
        { "Add of three", (g, x) => g.Apply("Add", [x, x, g.AddInitializer("zero", Tensor.Scalar(0f))]) },
        { "Slice beyond the rank", (g, x) => g.Apply("Slice", [x, Ints(g, 0), Ints(g, 3), Ints(g, 77)]) },
        { "Transpose", (g, x) => g.Apply("Transpose", [g.Apply("Transpose", [x], ("perm", new long[] { 5, 9 }))], ("perm", new long[] { 7, -3 })) },
        { "Unsqueeze", (g, x) => g.Apply("Squeeze", [g.Apply("Unsqueeze", [x, Ints(g, -99, 99, 99)]), Ints(g, -99, 99, 99)]) },
        { "Concat", (g, x) => g.Apply("Concat", [x, x], ("axis", 1L << 40)) },
        { "Gather of a shape", (g, x) => g.Apply("Gather", [g.Apply("Shape", [x]), Ints(g, 1L << 62)], ("axis", -9)) },
        { "sizes that overflow", (g, x) => g.Apply("Add", [x, g.Apply("Size", [g.Apply("ConstantOfShape", [Ints(g, 1L << 62, 1L << 62, 4)])])]) },
        { "Conv and scale", (g, x) => g.Apply("Mul", [g.Apply("Conv", [x, g.AddInitializer("w", Tensor.Vector(1f))], ("strides", new long[] { 0 }), ("pads", new[] { 1L << 62 }), ("group", 0)), g.AddInitializer("s", Tensor.Scalar(2f))]) },
        { "nothing given", (g, x) => g.Apply("Mul", [g.Apply("Gemm", [g.Apply("Add", [g.Apply("Conv", [])])]), g.Apply("Clip", [])]) },
    };

    [Theory, MemberData(nameof(Broken))]
    public void A_node_that_breaks_the_rules_of_its_operator_breaks_no_pass(string name, Func<Graph, Value, Value> body)
    {
        Model model = Build.Model([2, 3], body);
        foreach (OptimizationLevel level in Enum.GetValues<OptimizationLevel>())
        {
            OptimizationResult result = new GraphOptimizer(new() { Level = level }).Run(model);
            Assert.True(result.NotVerified is not null, name);
        }
    }

    /// <summary>Operators that draw random numbers, after an Identity that has no use and before a Cast that has none.</summary>
    public static TheoryData<string, Func<Graph, Value, Value>> Random { get; } = new()
    {
        { "RandomNormalLike", (g, x) => g.Apply("RandomNormalLike", [x]) },
        { "RandomUniformLike", (g, x) => g.Apply("RandomUniformLike", [x]) },
        { "Bernoulli", (g, x) => g.Apply("Bernoulli", [g.Apply("Sigmoid", [x])]) },
        { "Multinomial", (g, x) => g.Apply("Multinomial", [x], ("sample_size", 4)) },
        { "Dropout", (g, x) => g.Apply("Dropout", [x, g.AddInitializer("ratio", Tensor.Scalar(0.5f)), g.AddInitializer("training", Tensor.Scalar(true))]) },
        { "RandomNormal", (g, x) => g.Apply("Add", [x, g.Apply("RandomNormal", [], ("shape", new long[] { 3 }))]) },
    };

    [Theory, MemberData(nameof(Random))]
    public void What_draws_random_numbers_is_verified_with_the_same_numbers_drawn(string op, Func<Graph, Value, Value> body)
    {
        Model model = Build.Model(["n", 3], (g, x) => g.Apply("Cast", [body(g, g.Apply("Identity", [x]))], ("to", (long)ElementType.Float32)));
        OptimizationResult result = new GraphOptimizer(new()).Run(model);
        Assert.DoesNotContain(result.Steps, s => s.RolledBack is not null);
        Assert.DoesNotContain(result.Model.AllNodes(), n => n.Is("Identity"));
        Assert.True(result.Difference!.BitEqual);
        Assert.Equal(2, result.VerifiedSamples);
        Assert.Contains(op, Assert.Single(result.RandomNodes), StringComparison.Ordinal);
        Assert.DoesNotContain(result.Model.AllNodes(), n => n.Attributes.ContainsKey("seed")); // as random as before
    }

    [Fact]
    public void A_seed_of_the_file_stays()
    {
        Model model = Build.Model(["n", 3], (g, x) => g.Apply("RandomNormalLike", [g.Apply("Identity", [x])], ("seed", 1f)));
        Assert.Equal(1, Assert.Single(new GraphOptimizer(new()).Run(model).Model.AllNodes()).Float("seed", 0));
    }

    [Theory]
    [InlineData(new[] { 1L << 62, 4 })]
    [InlineData(new[] { 1L << 31, 1L << 31 })]
    public void Input_too_large_to_be_made_up_is_named(long[] shape)
    {
        Model model = Build.Model([.. shape.Select(s => (Dimension)s)], (g, x) => g.Apply("Relu", [x]));
        Assert.Null(SampleInputs.Make(model, 1, new(1, 1)));
        Assert.Contains("'x'", new GraphOptimizer(new()).Run(model).NotVerified, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_of_many_open_dimensions_is_run_at_the_sizes_that_fit()
    {
        Model model = Build.Model([.. Enumerable.Range(0, 12).Select(_ => new Dimension(null))], (g, x) => g.Apply("Relu", [x]));
        Assert.Null(new GraphOptimizer(new()).Run(model).NotVerified);
    }

    private static Value Ints(Graph graph, params long[] values) => graph.AddInitializer("i", Tensor.Vector(values));

    [Fact]
    public void Fixed_dimensions_let_shape_arithmetic_fold_away()
    {
        Model model = Build.Model(["n", 3, "w"], (g, x) =>
        {
            Value width = g.Apply("Gather", [g.Apply("Shape", [x]), g.AddInitializer("i", Tensor.Scalar(2L))]);
            Value target = g.Apply("Concat", [g.AddInitializer("m", Tensor.Vector(-1L)), g.Apply("Unsqueeze", [width, g.AddInitializer("a", Tensor.Vector(0L))])], ("axis", 0));
            return g.Apply("Exp", [g.Apply("Reshape", [x, target])]);
        });
        OptimizationResult result = new GraphOptimizer(new() { FixDimensions = new() { Shapes = new Dictionary<string, long[]> { ["x"] = [2, 3, 5] } } }).Run(model);
        Assert.Equal(["Exp", "Reshape"], result.NodesAfter.Keys);
        Assert.Equal("Float32 [6,5]", result.Model.Graph.Outputs[0].Type!.ToString());
        Assert.True(result.Difference!.BitEqual);
    }

    [Fact]
    public void The_guarded_child_gives_the_same_result_as_this_process()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Apply("Mul", [g.Conv(g.Apply("Identity", [g.Apply("Exp", [x])]), 1, 3, 4), g.Apply("Sqrt", [g.AddInitializer("s", Tensor.Scalar(2f))])]));
        using ModelGuard guard = new();
        OptimizationResult guarded = new GraphOptimizer(new() { Runner = new GuardedRunner(guard) }).Run(model), here = new GraphOptimizer(new()).Run(model);
        Assert.Equal(here.Model.ToBytes(), guarded.Model.ToBytes());
        Assert.Equal((here.VerifiedSamples, here.Difference), (guarded.VerifiedSamples, guarded.Difference));
    }

    [Fact]
    public void Every_pass_is_in_the_catalogue_under_its_name()
    {
        foreach (PassEntry entry in PassCatalog.Entries)
            Assert.Equal(entry.Name, entry.Create(null).Name);
        Assert.Equal(PassCatalog.Entries.Count, PassCatalog.Entries.Select(e => e.Name).Distinct().Count());
        string[] passes = [.. typeof(LiftConstantsPass).Assembly.GetTypes().Where(t => t.Namespace == typeof(LiftConstantsPass).Namespace && t.IsSubclassOf(typeof(Pass))).Select(t => t.Name)];
        Assert.Equal(passes.Order(), PassCatalog.Entries.Select(e => e.Create(null).GetType().Name).Where(passes.Contains).Order());
    }

    [Fact]
    public void Real_models_keep_their_outputs_and_no_Identity_Dropout_or_foldable_normalization()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        foreach (string path in SharedFiles.Models.Where(p => !p.EndsWith("lines_mlsd.onnx", StringComparison.Ordinal)))
        {
            Model model = Model.Load(path);
            OptimizationResult result = new GraphOptimizer(new()).Run(model);
            Assert.All(result.Steps, s => Assert.Null(s.RolledBack));
            // Where no dimension is open, there is one size to verify at.
            Assert.True(result.VerifiedSamples >= (model.Graph.Inputs.All(i => i.Type?.AsTensor?.FixedShape is not null) ? 1 : 2), path);
            Assert.True(result.Difference!.Relative <= 1e-4 && result.BytesAfter <= 1.05 * result.BytesBefore, path);
            Assert.DoesNotContain(result.Model.AllNodes(), n => n.Is("Dropout", "BatchNormalization"));
            // What is left of Identity gives a value from outside a body out, for which the format has no other form.
            Assert.DoesNotContain(result.Model.AllNodes(), n => n.Is("Identity") && (n.Graph.IsMain || ReferenceEquals(n.Inputs[0]!.Graph, n.Graph)));
        }
    }

    [Fact]
    public void A_third_of_the_backend_tests_keep_their_outputs()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [];
        int run = 0, changed = 0;
        foreach (string folder in SharedFiles.BackendTests.Where((_, i) => i % 3 == 0))
        {
            if (BackendTest.Load(folder, out _) is not { } test)
                continue;
            IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> samples = [test.Inputs.ToDictionary(p => p.Key, p => (RuntimeValue)p.Value)];
            if (ModelVerifier.Create(test.Model, samples, null, InProcessRunner.Instance, out _) is not { } verifier)
                continue;
            run++;
            OptimizationResult result = new GraphOptimizer(new() { Samples = samples }).Run(test.Model);
            changed += result.IsChanged ? 1 : 0;
            OutputDifference difference = ModelVerifier.Compare(verifier.Outputs, verifier.Run(result.Model));
            bool arithmetic = result.Steps.Any(s => s.Pass == "fold-batch-normalization" && s.RolledBack is null && s.Report.Changes.Count > 0);
            if (arithmetic ? difference.Relative > 1e-4 : !difference.BitEqual)
                failures.Add($"{test.Name}: {difference.Relative}");
            if (result.BytesAfter > 1.05 * result.BytesBefore)
                failures.Add($"{test.Name}: {result.BytesBefore} bytes are now {result.BytesAfter}");
        }
        Assert.Empty(failures);
        Assert.True(run > 350 && changed > 50, $"{run} run, {changed} changed");
    }

    [Theory]
    [InlineData("light_squeezenet"), InlineData("light_shufflenet"), InlineData("light_inception_v2")]
    public void Architectures_with_random_weights_keep_outputs_that_vary(string name)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("onnx-backend-tests", "light", $"{name}.onnx"));
        Assert.True(RandomWeights.Fill(model, seed: 1) > 20);
        IReadOnlyDictionary<string, RuntimeValue>[] samples = [SampleInputs.Make(model, 1, new(1, 1))!, SampleInputs.Make(model, 2, new(1, 1))!];
        using (ModelSession session = new(model))
        {
            float[][] outputs = [.. samples.Select(s => ((RuntimeValue.Dense)session.RunValues(s).Values.Single()).Tensor.ToFloats())];
            Assert.True(outputs[0].Distinct().Count() > 10 && outputs[0].Zip(outputs[1]).Any(p => MathF.Abs(p.First - p.Second) > 0.001f * outputs[0].Max()), "the outputs do not vary");
        }
        OptimizationResult result = new GraphOptimizer(new() { Samples = samples[..1] }).Run(model);
        Assert.All(result.Steps, s => Assert.Null(s.RolledBack));
        Assert.True(result.Difference!.Relative <= 1e-4, $"{result.Difference}");
        Assert.Equal((0, 0, 0), (result.NodesAfter.GetValueOrDefault("Identity"), result.NodesAfter.GetValueOrDefault("Dropout"), result.NodesAfter.GetValueOrDefault("BatchNormalization")));
    }
}
