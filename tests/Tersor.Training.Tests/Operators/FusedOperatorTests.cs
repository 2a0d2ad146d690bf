using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Operators;

/// <summary>Operators without backend tests against ONNX Runtime.</summary>
public sealed class FusedOperatorTests(ITestOutputHelper output)
{
    // What ONNX Runtime has no float form of, no kernel for on CPUs, or no such old version of.
    private static readonly string[] Elsewhere = ["MatMulInteger", "DequantizeLinear", "BiasSplitGelu", "CausalConvWithState", "MultiHeadAttention [2,3,4,3,2]", "PRelu [2,3,4] [3]", "Add [2,3,4] [3] broadcast"];

    [Fact]
    public void Results_are_those_of_ONNX_Runtime()
    {
        List<string> problems = [];
        int compared = 0;
        foreach (OperatorCase test in OperatorCase.All().Where(t => !Elsewhere.Any(e => t.Name.StartsWith(e, StringComparison.Ordinal))))
        {
            if (Running.TryRun(test.Model, test.Inputs, out string reason) is not { } expected)
            {
                problems.Add($"{test.Name}: ONNX Runtime: {reason}");
                continue;
            }
            try
            {
                problems.AddRange(Running.Differences(expected, Run(test), tolerance: 1e-4).Select(d => $"{test.Name}: {d}"));
                compared++;
            }
            catch (TrainingException e)
            {
                problems.Add($"{test.Name}: {e.Message}");
            }
        }
        output.WriteLine($"{compared} compared");
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Theory]
    [InlineData("Add")]
    [InlineData("PRelu")]
    public void Before_operator_set_7_the_second_operand_is_placed_at_an_axis(string opType)
    {
        OperatorCase test = OperatorCase.All().Single(c => c.Name.StartsWith($"{opType} [2,3,4] [3]", StringComparison.Ordinal));
        float[] x = test.Inputs["x0"].ToFloats(), channel = test.Inputs["x1"].ToFloats(), y = Run(test).Values.Single().ToFloats();
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(opType == "Add" ? x[i] + channel[i / 4 % 3] : x[i] < 0 ? x[i] * channel[i / 4 % 3] : x[i], y[i]);
    }

    private static Dictionary<string, OnnxTensor> Run(OperatorCase test)
    {
        using IDisposable scope = NewDisposeScope();
        using GraphProgram program = new(test.Model);
        object?[] results = program.Run(test.Inputs.ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value)));
        Dictionary<string, OnnxTensor> outputs = [];
        for (int i = 0; i < results.Length; i++)
            outputs[test.Model.Graph.Outputs[i].Name] = TorchTensors.ToOnnx((Tensor)results[i]!);
        return outputs;
    }
}
