namespace Tersor.Onnx.Tests.Inference;

/// <summary>Sliding windows with seeded random strides, pads, dilations and modes against ONNX Runtime.</summary>
public sealed class WindowTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("Conv")]
    [InlineData("ConvTranspose")]
    [InlineData("MaxPool")]
    [InlineData("AveragePool")]
    [InlineData("LpPool")]
    public void Every_mix_of_window_options_gives_the_size_running_gives(string opType)
    {
        Random random = new(11);
        InferredAgainstObserved check = new();
        int run = 0;
        for (int i = 0; i < 120; i++)
        {
            int axes = random.Next(1, 4);
            long[] Draw(int low, int high, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextInt64(low, high + 1))];
            long[] kernel = Draw(1, 3, axes), strides = Draw(1, 3, axes);
            Dictionary<string, NodeAttribute> attributes = new() { ["kernel_shape"] = kernel, ["strides"] = strides, ["dilations"] = Draw(1, 2, axes) };
            if (random.Next(3) == 0)
                attributes["auto_pad"] = new[] { "SAME_UPPER", "SAME_LOWER", "VALID" }[random.Next(3)];
            else
                attributes["pads"] = opType is "Conv" or "ConvTranspose" ? Draw(0, 2, 2 * axes) : [.. Enumerable.Range(0, 2 * axes).Select(a => random.NextInt64(0, kernel[a % axes]))];
            if (opType.EndsWith("Pool", StringComparison.Ordinal))
                attributes["ceil_mode"] = random.Next(2);
            if (opType == "ConvTranspose")
                attributes["output_padding"] = strides.Select(s => random.NextInt64(s)).ToArray();
            Model model = new(21);
            long[] shape = [2, 4, .. Draw(4, 11, axes)];
            Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, [.. shape.Select(s => (Dimension)s)]));
            Value?[] inputs = [x];
            if (opType.StartsWith("Conv", StringComparison.Ordinal))
            {
                attributes["group"] = 2;
                inputs = [x, model.Graph.AddInitializer("w", RandomInputs.Make(ElementType.Float32, [opType == "Conv" ? 6 : 4, opType == "Conv" ? 2 : 3, .. kernel], i))];
            }
            Value y = model.Graph.AddNode(opType, inputs, ["y"], attributes).Outputs[0]!;
            y.Type = new OnnxType.Tensor(ElementType.Float32, null);
            model.Graph.AddOutput(y);
            string name = $"{opType} {string.Join(',', shape)} {string.Join(' ', attributes.Select(a => $"{a.Key}={(a.Value switch { NodeAttribute.Ints v => string.Join(',', v.Values), NodeAttribute.String t => t.Text, var other => other.ToString() })}"))}";
            if (check.Check(name, model, new Dictionary<string, Tensor> { ["x"] = RandomInputs.Make(ElementType.Float32, shape, i) }))
                run++;
        }
        output.WriteLine($"{run} of 120 run, {check.Shapes} shapes known");
        Assert.True(check.Failures.Count == 0, string.Join('\n', check.Failures));
        Assert.True(run >= 60 && check.Shapes >= run - 5, $"{run} run, {check.Shapes} known");
    }
}
