using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Judging;

public sealed class ComparedOutputTests
{
    private const long Float = (long)ElementType.Float32;

    private static ClassAxis? Classes(bool asClasses, OnnxType? type, params string[] operators)
    {
        Model model = Build.Model([2, 10], (g, x) =>
        {
            Value y = operators.Aggregate(x, (value, op) => op switch
            {
                "Cast" => g.Apply(op, [value], ("to", Float)),
                "Softmax" or "ArgMax" => g.Apply(op, [value], ("axis", 1L)),
                _ => g.Apply(op, [value]),
            });
            y.Type = type;
            return y;
        });
        return Assert.Single(ComparedOutput.Of(model, new Dictionary<string, string>(), asClasses)).Classes;
    }

    [Theory]
    [InlineData("ArgMax")]
    [InlineData("ArgMax Cast")]
    [InlineData("ArgMax Squeeze")]
    [InlineData("Softmax ArgMax Squeeze Cast Identity")]
    public void An_output_that_ends_in_ArgMax_holds_the_classes_themselves(string operators)
    {
        Assert.Equal(new ClassAxis((long?)null), Classes(asClasses: false, new OnnxType.Tensor(ElementType.Float32, null), operators.Split(' ')));
        Assert.Equal(new ClassAxis((long?)null), Classes(asClasses: true, new OnnxType.Tensor(ElementType.Float32, null), operators.Split(' '))); // never scores along an axis
    }

    [Theory]
    [InlineData(ElementType.Int64), InlineData(ElementType.Int32), InlineData(ElementType.UInt8), InlineData(ElementType.Bool), InlineData(ElementType.String)]
    public void Outputs_that_are_no_measurements_are_answers_whatever_makes_them(ElementType type) =>
        Assert.Equal(new ClassAxis((long?)null), Classes(asClasses: false, new OnnxType.Tensor(type, null), "Relu"));

    [Theory]
    [InlineData("Softmax", 1L)]
    [InlineData("Relu Softmax Identity", 1L)]
    [InlineData("Softmax Squeeze", null)] // the axis has moved
    [InlineData("Relu", null)]
    public void Scores_are_classes_where_they_end_in_Softmax(string operators, long? axis) =>
        Assert.Equal(axis, Classes(asClasses: false, new OnnxType.Tensor(ElementType.Float32, null), operators.Split(' '))?.Axis);

    [Fact]
    public void Scores_of_anything_are_classes_where_that_is_asked_for() =>
        Assert.Equal(ClassAxis.Last, Classes(asClasses: true, new OnnxType.Tensor(ElementType.Float32, null), "Relu"));

    [Fact]
    public void Answers_agree_where_they_are_equal()
    {
        ClassAxis answers = new((long?)null);
        Assert.Equal((3, 4), answers.Agreement(Tensor.Vector(1L, 2, 3, -4), Tensor.Vector(1L, 2, 3, 4)));
        Assert.Equal((1, 2), answers.Agreement(Tensor.Vector(true, false), Tensor.Vector(true, true)));
        Assert.Equal((1, 1), answers.Agreement(Tensor.Scalar(ulong.MaxValue), Tensor.Scalar(ulong.MaxValue)));
        Assert.Equal((1, 2), answers.Agreement(Tensor.FromStrings([2], ["cat", "dog"]), Tensor.FromStrings([2], ["cat", "cow"])));
        Assert.Equal((0, 1), answers.Agreement(Tensor.Vector(1L, 2), Tensor.Vector(1L))); // as many boxes as the data have
    }

    [Fact]
    public void Of_ranked_classes_the_first_is_the_answer()
    {
        Model model = Build.Model([2, 10], (g, x) =>
        {
            Node best = g.AddNode("TopK", [x, g.AddInitializer("k", Tensor.Vector(3L))], ["values", "indices"], [new("axis", 1L)]);
            best.Outputs[1]!.Type = new OnnxType.Tensor(ElementType.Int64, null);
            g.AddOutput(best.Outputs[1]!);
            return best.Outputs[0]!;
        });
        ClassAxis ranked = ComparedOutput.Of(model, new Dictionary<string, string>(), asClasses: false).Single(o => o.Name == "indices").Classes!;
        Assert.Equal(new ClassAxis(1, IsRanked: true), ranked);
        Assert.Equal((1, 2), ranked.Agreement(Tensor.Create([2, 3], new[] { 1L, 2, 3, 4, 5, 6 }), Tensor.Create([2, 3], new[] { 1L, 3, 2, 5, 4, 6 })));
    }

    [Fact]
    public void Nothing_is_taken_for_classes_beside_an_output_that_is()
    {
        Model model = Build.Model([2, 10], (g, x) =>
        {
            g.AddOutput(g.Apply("Softmax", [x], ("axis", 1L)));
            return g.Apply("Neg", [x]);
        });
        Assert.Equal([1, null], ComparedOutput.Of(model, new Dictionary<string, string>(), asClasses: true).Select(o => o.Classes?.Axis));
    }
}
