namespace Tersor.Cli.Tests;

/// <summary>Runs a command line in this process and keeps what it wrote.</summary>
internal sealed record Cli(int ExitCode, string Out, string Error)
{
    public static Task<Cli> Run(params string[] args) => RunUntil(TestContext.Current.CancellationToken, args);

    public static async Task<Cli> RunUntil(CancellationToken cancellation, params string[] args)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = await CommandLine.RunAsync(args, new Terminal(output, error), cancellation);
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>The lines of stderr.</summary>
    public string[] Errors => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
