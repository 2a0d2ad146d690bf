using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>Files that broke a command once.</summary>
public sealed class SharedCaseTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("optimize nested-if-30.onnx", ExitCodes.NoGain)]
    [InlineData("optimize dimension-2-62.onnx", ExitCodes.Failed)]
    [InlineData("optimize open-dimensions-60.onnx", ExitCodes.NoGain)]
    [InlineData("optimize slice-axis-77.onnx", ExitCodes.Failed)]
    [InlineData("optimize slice-axis-77.onnx --unverified", ExitCodes.NoGain)]
    [InlineData("optimize random-inside.onnx", ExitCodes.Done)]
    [InlineData("optimize fixed-batch-2.onnx", ExitCodes.Done)]
    [InlineData("quantize opset6-weights-mul-without-broadcast.onnx --mode weights", ExitCodes.Done)]
    [InlineData("quantize strings-tree.onnx --data strings-tree.npz --rounds 0", ExitCodes.Done)]
    [InlineData("quantize bfloat16-inside.onnx --data bfloat16-inside.npz --rounds 0", ExitCodes.Done)]
    public async Task A_file_that_broke_a_command_gives_a_result_or_one_line(string line, int code)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        string[] words = [.. line.Split(' ').Select(w => w.EndsWith(".onnx", StringComparison.Ordinal) || w.EndsWith(".npz", StringComparison.Ordinal) ? SharedFiles.At("cases", w) : w)];
        Assert.SkipUnless(File.Exists(words[1]), SharedFiles.Reason);
        Cli run = await Cli.Run([.. words, "-o", folder.At("out.onnx")]);
        Assert.True(run.ExitCode == code, $"{run.ExitCode}: {run.Error}");
        Assert.DoesNotContain("bug", run.Error);
        Assert.InRange(run.Errors.Length, 0, code == ExitCodes.Failed ? 1 : 3);
        Assert.Equal(code != ExitCodes.Failed, File.Exists(folder.At("out.onnx")));
    }

    [Theory]
    [InlineData("string-through.onnx", "--rounds 1")]
    [InlineData("strings-tree.onnx", "--rounds 1 --data strings-tree.npz")]
    public async Task Strings_are_compared_by_equality(string model, string options)
    {
        Assert.SkipUnless(File.Exists(SharedFiles.At("cases", model)), SharedFiles.Reason);
        string path = SharedFiles.At("cases", model);
        Cli run = await Cli.Run(["compare", path, path, .. options.Split(' ').Select(o => o.EndsWith(".npz", StringComparison.Ordinal) ? SharedFiles.At("cases", o) : o)]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(@"equal strings of \w+ +1\.0000", run.Out);
    }
}
