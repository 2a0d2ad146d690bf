using Tersor.Cli;
using Tersor.Testing;

namespace Tersor.Training.Tests.CommandLines;

/// <summary>Data that nothing can be learned from are blamed by name, not the settings.</summary>
public sealed class BrokenDataTests : IDisposable
{
    private readonly CommandLineFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0), InlineData(99), InlineData(199)] // in training and in validation alike
    public async Task A_sample_with_NaN_is_named(int index)
    {
        float[] points = [.. Enumerable.Range(0, 400).Select(i => i / 2 == index ? float.NaN : (float)Math.Sin(i))];
        Npy.Write(folder.At("points.npy"), "<f4", [200, 2], points.SelectMany(BitConverter.GetBytes));
        (int code, string output, string error) = await folder.Run("train right.onnx -o out.onnx --data data.yaml --epochs 2 --loss cross-entropy --metric cross-entropy");
        Assert.Equal((ExitCodes.Failed, ""), (code, output));
        Assert.Contains($"Sample '#{index}' has NaN in 'input'", error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("out.onnx")));
    }
}
