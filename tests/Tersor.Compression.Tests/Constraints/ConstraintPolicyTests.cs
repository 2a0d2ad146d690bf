using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Constraints;

/// <summary>A constraint goes where its weight goes; where it cannot, the report says so.</summary>
public sealed class ConstraintPolicyTests
{
    private static readonly Constraint Mask = new Constraint.Mask(), Pattern = new Constraint.NOfM(2, 4, 1), Codebook = new Constraint.Codebook(16), Grid = new Constraint.Grid(8, 0), Tie = new Constraint.Tie("a");

    /// <summary>What moves a [64, 32] weight, the constraints it has, and those of the [32, 64] matrix that is multiplied by.</summary>
    public static TheoryData<string, Constraint, Constraint?> Moves => new()
    {
        { "Transpose", Mask, Mask },
        { "Transpose", Pattern, new Constraint.NOfM(2, 4, 0) },
        { "Transpose", Codebook, Codebook },
        { "Transpose", Grid, new Constraint.Grid(8, 1) },
        { "Transpose", new Constraint.Grid(8, null), new Constraint.Grid(8, null) },
        { "Transpose", Tie, null },
        { "Identity Transpose Identity", Pattern, new Constraint.NOfM(2, 4, 0) },
        { "Transpose Unsqueeze Squeeze", Pattern, new Constraint.NOfM(2, 4, 0) },
        { "Reshape", Mask, Mask },
        { "Reshape", Pattern, null },
        { "Cast Transpose", Mask, Mask },
        { "Cast Transpose", Grid, null },
        { "Transpose Mul", Mask, Mask },
        { "Transpose Mul", Codebook, null },
        { "Slice Transpose", Mask, Mask },
    };

    [Theory, MemberData(nameof(Moves))]
    public void A_constraint_follows_its_weight_through_folding_or_is_reported_as_lost(string path, Constraint given, Constraint? expected)
    {
        Model model = Moved(path, given);
        PassReport report = new FoldConstantsPass(new() { SmallBytes = 1 << 20, Growth = 10 }).Run(model, PassContext.None);
        Value weight = model.Graph.Nodes.Single(n => n.Is("MatMul")).Inputs[1]!;
        Assert.NotNull(weight.Constant);
        Assert.Equal(expected is null ? [] : [expected], weight.Constraints);
        Assert.Equal(expected is null ? [new("w", given)] : [], report.Lost);
        Assert.Equal(expected is null, report.Skipped.Any(s => s.Subject == "w" && s.Reason == $"its constraint is lost: {given.GetType().Name}"));
    }

    [Theory, InlineData("fold-batch-normalization"), InlineData("lift-constants"), InlineData("merge-duplicates"), InlineData("remove-no-ops"), InlineData("remove-unreachable"), InlineData("inline-functions")]
    public void Passes_keep_the_mask_of_a_weight_they_rewrite_or_move(string name)
    {
        Tensor weight = Build.Normal(1, 1, 8, 4, 3, 3);
        Model model = Build.Model([1, 4, 6, 6], (g, x) =>
        {
            Value w = g.Apply("Constant", [], ("value", weight)), twin = g.AddInitializer("twin", weight);
            w.Constraints.Add(Mask);
            twin.Constraints.Add(Mask);
            Value scaled = g.Apply("Mul", [g.Apply("Conv", [g.Apply("Identity", [x]), w]), g.AddInitializer("s", Build.Normal(2, 1, 8, 1, 1))]);
            return g.Apply("Add", [scaled, g.Apply("Conv", [x, twin])]);
        });
        PassReport report = PassCatalog.Entries.Single(e => e.Name == name).Create(null).Run(model, PassContext.None);
        Assert.Empty(report.Lost);
        Assert.All(model.AllNodes().Where(n => n.Is("Conv")), n => Assert.Equal([Mask], n.Inputs[1]!.Constraints));
    }

    [Fact]
    public void A_pass_that_forgets_a_constraint_says_so()
    {
        Model model = Moved("Transpose", Mask);
        PassReport report = new Forgetful().Run(model, PassContext.None);
        Assert.Equal([new LostConstraint("w", Mask)], report.Lost);
    }

    [Fact]
    public void Quantization_takes_a_mask_along_and_loses_nothing()
    {
        Model model = Moved("", Mask);
        PassReport report = new QuantizeWeightsPass(new()).Run(model, PassContext.None);
        Assert.Empty(report.Lost);
        Assert.Equal([Mask], model.Graph.Initializers.Single(v => v.Name == "w_quantized").Constraints);
    }

    [Fact]
    public void The_mask_behind_a_Transpose_of_the_cases_is_in_the_optimized_file()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model optimized = new GraphOptimizer(new()).Run(Model.Load(SharedFiles.At("cases", "mask-behind-transpose.onnx"))).Model;
        Assert.DoesNotContain(optimized.AllNodes(), n => n.Is("Transpose"));
        Model read = Model.Load(new MemoryStream(optimized.ToBytes()));
        Assert.Contains(read.AllConstants(), v => v.Constraints.Contains(Mask));
    }

    /// <summary>x · path(w), with w [64, 32].</summary>
    private static Model Moved(string path, Constraint constraint) => Build.Model([4, 32], (g, x) =>
    {
        string[] steps = path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long[] shape = steps.Contains("Slice") ? [80, 32] : steps.Length == 0 ? [32, 64] : [64, 32];
        Tensor tensor = Build.Normal(1, 1, shape);
        Value moved = g.AddInitializer("w", steps.Contains("Cast") ? Tensor.Create(shape, Array.ConvertAll(tensor.ToFloats(), v => (Half)v)) : tensor);
        moved.Constraints.Add(constraint);
        foreach (string step in steps)
        {
            moved = step switch
            {
                "Reshape" => g.Apply(step, [moved, g.AddInitializer("shape", Tensor.Vector(32L, 64L))]),
                "Cast" => g.Apply(step, [moved], ("to", (long)ElementType.Float32)),
                "Mul" => g.Apply(step, [moved, g.AddInitializer("scale", Build.Normal(2, 1, 1, 64))]),
                "Slice" => g.Apply(step, [moved, g.AddInitializer("from", Tensor.Vector(0L)), g.AddInitializer("to", Tensor.Vector(64L)), g.AddInitializer("axis", Tensor.Vector(0L))]),
                "Unsqueeze" or "Squeeze" => g.Apply(step, [moved, g.AddInitializer("axes", Tensor.Vector(1L))]),
                _ => g.Apply(step, [moved]),
            };
        }
        return g.Apply("MatMul", [x, moved]);
    });

    /// <summary>Replaces every constrained initializer by an untagged copy.</summary>
    private sealed class Forgetful : Pass
    {
        public override string Name => "forgetful";

        public override PassEffect Effect => PassEffect.Structural;

        protected override PassReport Apply(Model model, PassContext context)
        {
            foreach (Value value in model.Graph.Initializers.Where(v => v.Constraints.Count > 0).ToArray())
            {
                value.ReplaceAllUsesWith(model.Graph.AddInitializer("copy", value.Tensor!));
                model.Graph.RemoveInitializer(value);
            }
            return new();
        }
    }
}
