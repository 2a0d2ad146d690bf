using System.CommandLine;
using System.Reflection;
using Tersor.Cli.Commands;
using Tersor.Cli.Parsing;

namespace Tersor.Cli;

/// <summary>The whole command line: parse, call a command, turn what happened into an exit code.</summary>
internal static class CommandLine
{
    /// <summary>The program's version.</summary>
    public static string Version { get; } = typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code, one of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal)
    {
        using Interruption interruption = new();
        return await RunAsync(args, terminal, interruption.Token);
    }

    /// <summary>Runs one command line that <paramref name="cancellation"/> can stop.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellation)
    {
        terminal.Arguments = args;
        ParseResult parsed = Root(terminal).Parse(args);
        // An option such as --help answers for itself, whatever else is wrong with the line.
        if ((parsed.Errors.Count > 0 || ParseErrors.Empty(parsed).Any()) && parsed.Action is not { ClearsParseErrors: true })
            return ParseErrors.Report(parsed, terminal);
        try
        {
            InvocationConfiguration streams = new() { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(streams, cancellation);
        }
        catch (Exception e)
        {
            return Failures.Report(e, terminal);
        }
    }

    /// <summary>The command `tersor` with everything below it.</summary>
    public static Command Root(Terminal terminal)
    {
        // Not a RootCommand: that one takes its name and version from whatever program hosts it.
        Command root = new("tersor", "Makes trained neural networks smaller and faster: ONNX in, ONNX out, with accuracy, size and speed measured.")
        {
            InspectCommand.Create(terminal),
            OptimizeCommand.Create(terminal),
            QuantizeCommand.Create(terminal),
            TrainCommand.Create(terminal),
            DistillCommand.Create(terminal),
            EvalCommand.Create(terminal),
            CompareCommand.Create(terminal),
            BenchCommand.Create(terminal),
            DemoCommand.Create(terminal),
            InstallCommand.Create(terminal),
        };
        HelpText.Install(root);
        return root.WithHelp(
            "Results go to stdout, messages and progress to stderr; every command takes --json.\n"
            + "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no gain over the input model, 130 stopped by Ctrl-C.",
            "tersor demo", "tersor inspect model.onnx", "tersor optimize model.onnx -o optimized.onnx",
            "tersor quantize model.onnx -o int8.onnx --data data.yaml", "tersor compare model.onnx int8.onnx --data data.yaml");
    }
}
