using Tersor.Onnx.Editing;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class WrappingTests
{
    [Fact]
    public void Backend_tests_give_the_same_plain_in_an_If_in_a_function_and_inlined_again()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [], skipped = [];
        int compared = 0;
        foreach (string folder in SharedFiles.BackendTests.Where((_, i) => i % 7 == 0)) // a seventh of them: the rest says the same, for minutes
        {
            if (BackendTest.Load(folder, out string reason) is not { } test)
            {
                skipped.Add($"{folder}: {reason}");
                continue;
            }
            if (Running.TryRun(test.Model, test.Inputs, out reason) is not { } expected || UsesRandomNumbers(test.Model))
            {
                skipped.Add($"{test.Name}: {reason}");
                continue;
            }
            Model inFunction = Wrapping.InFunction(test.Model);
            Check("in a function", inFunction);
            Model inlined = inFunction.Clone();
            FunctionInliner.InlineAll(inlined);
            Check("inlined again", inlined);
            Check("in an If", Wrapping.InIf(test.Model));
            compared++;

            void Check(string how, Model model)
            {
                if (Running.TryRun(model, test.Inputs, out string problem) is not { } actual)
                    failures.Add($"{test.Name} {how}: {problem}");
                else if (Running.Differences(expected, actual, 1e-5) is { Count: > 0 } differences)
                    failures.Add($"{test.Name} {how}: {differences[0]}");
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared > 120, $"{compared} compared; skipped:\n{string.Join('\n', skipped)}");
    }

    [Fact]
    public void The_condition_can_be_an_input_and_the_else_branch_gives_the_same_type()
    {
        Model model = new();
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3));
        Value y = model.Graph.AddNode("Relu", [x], ["y"]).Outputs[0]!;
        y.Type = OnnxType.Of(ElementType.Float32, 2, 3);
        model.Graph.AddOutput(y);
        Model wrapped = Wrapping.InIf(model, conditionAsInput: true);
        foreach (bool condition in new[] { true, false })
        {
            Tensor result = Running.Run(wrapped, new Dictionary<string, Tensor>
            {
                ["x"] = Tensor.Create([2, 3], [1f, 2f, 3f, 4f, 5f, 6f]),
                [Wrapping.ConditionInput] = Tensor.Scalar(condition),
            })["y"];
            Assert.Equal(condition ? [1f, 2f, 3f, 4f, 5f, 6f] : new float[6], result.ToFloats());
        }
    }

    private static bool UsesRandomNumbers(Model model) => model.AllNodes().Any(n => n.OpType.StartsWith("Random", StringComparison.Ordinal) || n.Is("Bernoulli", "Multinomial", "Dropout"));
}
