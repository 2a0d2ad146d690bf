using System.Text.Json;
using Tersor.Cli;
using Tersor.Onnx;

namespace Tersor.Training.Tests.CommandLines;

/// <summary>What commands that train tell and write, whatever training comes to.</summary>
public sealed class NoGainTests : IDisposable
{
    private readonly CommandLineFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("train right.onnx -o out.onnx --data data.yaml --epochs 2", "no epoch was better than the start")]
    [InlineData("train right.onnx -o out.onnx --data data.yaml --epochs 2 --learning-rate 0.3 --schedule constant", "no epoch was better than the start")]
    [InlineData("train right.onnx -o out.onnx --data data.yaml --time 1ms", "there was no time for a step")]
    [InlineData("distill right.onnx -o out.onnx --data data.yaml --teacher right.onnx --epochs 2", "no epoch was better than the start")]
    [InlineData("distill right.onnx -o out.onnx --data data.yaml --teacher wrong.onnx --assistant right.onnx --epochs 1", "no epoch was better than the start")]
    public async Task What_never_beats_its_start_writes_the_input_model_and_exits_with_3(string line, string reason)
    {
        File.AppendAllBytes(folder.At("right.onnx"), [0x08, 10]); // the IR version once more, as no writer would
        byte[] before = File.ReadAllBytes(folder.At("right.onnx"));
        Assert.NotEqual(before, folder.Read("right.onnx").ToBytes());
        (int code, string output, string error) = await folder.Run(line);
        Assert.Equal(ExitCodes.NoGain, code);
        Assert.Contains($"No gain: {reason}; the input model was written as it is.", error, StringComparison.Ordinal);
        Assert.Contains("start, kept", output, StringComparison.Ordinal);
        Assert.Contains("out.onnx, as it was before training", output, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(folder.At("out.onnx")));
    }

    [Theory]
    [InlineData("train right.onnx -o new/out.onnx --data data.yaml --epochs 1")]
    [InlineData("distill right.onnx -o new/out.onnx --data data.yaml --teacher right.onnx --epochs 1")]
    public async Task An_input_model_of_several_files_is_written_whole(string line)
    {
        Model original = folder.Read("right.onnx");
        original.Save(folder.At("right.onnx"), new() { ExternalData = ExternalDataMode.Always, ExternalDataThreshold = 1 });
        Assert.True(File.Exists(folder.At("right.onnx.data")));
        (int code, _, _) = await folder.Run(line);
        Assert.Equal(ExitCodes.NoGain, code);
        File.Delete(folder.At("right.onnx.data")); // it does not need it
        Assert.Equal(original.ToBytes(), folder.Read("new/out.onnx").ToBytes());
    }

    [Theory]
    [InlineData("train wrong.onnx -o out.onnx --data data.yaml --epochs 5 --learning-rate 0.1")]
    [InlineData("distill wrong.onnx -o out.onnx --data data.yaml --teacher right.onnx --epochs 5 --learning-rate 0.1")]
    [InlineData("train right.onnx -o out.onnx --data data.yaml --epochs 1 --keep-last")] // be it no better
    public async Task What_beats_its_start_or_is_kept_whatever_it_is_exits_with_0(string line)
    {
        (int code, _, string error) = await folder.Run(line);
        Assert.Equal(ExitCodes.Done, code);
        Assert.DoesNotContain("No gain", error, StringComparison.Ordinal);
        Assert.NotEqual(folder.Read(line.Split(' ')[1]).ToBytes(), folder.Read("out.onnx").ToBytes());
    }

    [Theory]
    [InlineData("", 3e-4)]
    [InlineData(" --reinitialize", 2e-3)]
    [InlineData(" --reinitialize --learning-rate 0.004", 4e-3)]
    public async Task Random_weights_get_a_rate_that_suits_them_unless_one_is_given(string options, double rate)
    {
        (_, string output, _) = await folder.Run($"train wrong.onnx -o out.onnx --data data.yaml --epochs 1 --schedule constant --json{options}");
        using JsonDocument report = JsonDocument.Parse(output);
        Assert.Equal(rate, report.RootElement.GetProperty("epochs")[0].GetProperty("learningRate").GetDouble());
    }
}
