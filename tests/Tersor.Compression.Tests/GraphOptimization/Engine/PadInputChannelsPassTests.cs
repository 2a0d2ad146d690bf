using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class PadInputChannelsPassTests
{
    private readonly PadInputChannelsPass pass = new();

    [Fact]
    public void A_convolution_of_three_channels_reads_a_fourth_of_zeros()
    {
        Model model = Build.Model([2, 3, 6, 7], (g, x) => g.Apply("Relu", [g.Conv(x, 1, 3, 5)]));
        PassCheck.Leaves(pass, model, "Concat", 1);
        Model changed = PassCheck.Settles(pass, model);
        Assert.Equal("5,4,3,3", string.Join(',', changed.AllNodes().Single(n => n.Is("Conv")).Inputs[1]!.Constant!.Shape));
    }

    [Fact]
    public void One_of_a_single_dimension_too() => PassCheck.Leaves(pass, Build.Model([2, 3, 9], (g, x) => g.Apply("Conv", [x, g.AddInitializer("w", Build.Normal(1, 1, 4, 3, 3))])), "Concat", 1);

    [Fact]
    public void A_weight_that_several_read_stays_for_the_others()
    {
        Model model = Build.Model([1, 3, 6, 6], (g, x) =>
        {
            Value weight = g.AddInitializer("w", Build.Normal(1, 1, 3, 3, 1, 1));
            return g.Apply("Conv", [g.Apply("Conv", [x, weight]), weight]) is var y ? g.Apply("Add", [y, g.Apply("ReduceMax", [weight], ("keepdims", 0))]) : x;
        });
        PassCheck.Leaves(pass, model, "Concat", 2);
    }

    [Fact]
    public void Other_convolutions_are_no_candidates()
    {
        PassReport report = PassCheck.Run(pass, Build.Model([1, 3, 6, 6], (g, x) => g.Conv(g.Conv(x, 1, 3, 6, group: 3), 2, 6, 6, group: 2))).Report;
        Assert.Empty(report.Changes);
        Assert.Empty(report.Skipped);
    }

    [Fact]
    public void Open_sizes_are_left_and_reported() => PassCheck.LeavesAlone(pass, Build.Model(["n", 3, 6, 6], (g, x) => g.Conv(x, 1, 3, 5)), "the size of its input is not known");

    [Fact]
    public void Constrained_and_other_weights_stay()
    {
        PassCheck.LeavesAlone(pass, Build.Model([1, 3, 6, 6], (g, x) =>
        {
            Value y = g.Conv(x, 1, 3, 5);
            y.Producer!.Inputs[1]!.Constraints.Add(new Constraint.Mask());
            return y;
        }), "its weight is constrained", inFunctions: false);
        PassCheck.Refuses(pass, Build.Model([1, 3, 6, 6], (g, x) => g.Apply("Conv", [x, g.AddInitializer("w", Tensor.Create([1, 3, 1, 1], [1.0, 2, 3]))])), "its weight is Float64");
        PassCheck.Refuses(pass, Build.Model([1, 5, 6, 6], (g, x) => g.Conv(x, 1, 3, 5)), "its weight does not fit its input");
        PassCheck.Refuses(pass, Build.Model([3], (g, x) => g.Conv(x, 1, 3, 5)), "its weight does not fit its input");
        PassCheck.Refuses(pass, Build.Model([1, 3, 0, 6], (g, x) => g.Conv(x, 1, 3, 5)), "its input is empty, or too large");
        PassCheck.Refuses(pass, Build.Model([1, 3, 1L << 40, 1L << 40], (g, x) => g.Conv(x, 1, 3, 5)), "its input is empty, or too large");
    }
}
