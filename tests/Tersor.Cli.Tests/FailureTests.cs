using Tersor.Data;

namespace Tersor.Cli.Tests;

public sealed class FailureTests : IDisposable
{
    private readonly TestFolder folder = new();
    private readonly StringWriter error = new() { NewLine = "\n" };

    public void Dispose()
    {
        folder.Dispose();
        error.Dispose();
    }

    [Fact]
    public async Task A_missing_file_is_one_line()
    {
        Cli run = await Cli.Run("inspect", folder.At("absent.onnx"));
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Equal($"Error: {folder.At("absent.onnx")}: no such file.", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task A_folder_is_one_line()
    {
        Cli run = await Cli.Run("inspect", folder.Path);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains("is a folder", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task A_broken_file_is_one_line()
    {
        byte[] whole = SmallModels.Dense().ToBytes();
        File.WriteAllBytes(folder.At("broken.onnx"), whole[..(whole.Length / 2)]);
        Cli run = await Cli.Run("inspect", folder.At("broken.onnx"));
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains("truncated", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task Cancelling_gives_code_130()
    {
        SmallModels.Dense().Save(folder.At("dense.onnx"));
        Cli run = await Cli.RunUntil(new CancellationToken(canceled: true), "inspect", folder.At("dense.onnx"));
        Assert.Equal((ExitCodes.Interrupted, "", "Stopped.\n"), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public void A_bug_shows_its_stack_and_asks_for_a_report()
    {
        int code = Failures.Report(new InvalidOperationException("what cannot be"), new(TextWriter.Null, error));
        Assert.Equal(ExitCodes.Failed, code);
        Assert.StartsWith("This is a bug in Tersor", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("System.InvalidOperationException: what cannot be", error.ToString());
    }

    [Fact]
    public void What_a_user_can_put_right_is_one_line_even_when_its_message_has_several()
    {
        int code = Failures.Report(new DataException("first\nsecond"), new(TextWriter.Null, error));
        Assert.Equal((ExitCodes.Failed, "Error: first second\n"), (code, error.ToString()));
    }

    [Fact]
    public void An_error_from_a_parallel_loop_counts_as_itself()
    {
        Failures.Report(new AggregateException(new DataException("the reason")), new(TextWriter.Null, error));
        Assert.Equal("Error: the reason\n", error.ToString());
    }

    [Fact]
    public void A_native_library_that_is_not_there_is_one_line_with_the_platforms_that_have_it()
    {
        DllNotFoundException missing = new("Unable to load shared library 'google-ortools-native' or one of its dependencies.\nIt was looked for here\nand there");
        Assert.Equal(ExitCodes.Failed, Failures.Report(new TypeInitializationException("Solver", new TypeInitializationException("Native", missing)), new(TextWriter.Null, error)));
        string line = Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("'google-ortools-native'", line, StringComparison.Ordinal);
        Assert.Contains("win-x64", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_takes_more_memory_than_allowed_is_told_about_with_the_option_that_allows_more()
    {
        using TestFolder models = new();
        SmallModels.Classifier().Save(models.At("model.onnx"));
        Cli run = await Cli.Run("optimize", models.At("model.onnx"), "-o", models.At("o.onnx"), "--memory-limit", "1MB");
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains("(--memory-limit)", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(models.At("o.onnx")));
    }
}
