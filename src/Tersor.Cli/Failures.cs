using Tersor.Compression;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Cli;

/// <summary>Tells what a user can put right, which is one message, from a bug, which is a stack trace.</summary>
internal static class Failures
{
    /// <summary>Reports what ended a command.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(Exception exception, Terminal terminal)
    {
        switch (exception)
        {
            case OperationCanceledException:
                terminal.Say("Stopped.");
                return ExitCodes.Interrupted;
            case UsageException:
                terminal.Say($"Error: {exception.Message}");
                return ExitCodes.WrongUsage;
            case AggregateException { InnerExceptions: [var only] }:
                return Report(only, terminal);
            case FileNotFoundException { FileName: { Length: > 0 } file } missing when missing.InnerException is null:
                terminal.Say($"Error: {file}: no such file.");
                return ExitCodes.Failed;
            case var _ when MissingLibrary(exception) is { } library:
                terminal.Say($"Error: a native library cannot be loaded: {library.Message.Split('\n')[0].Trim()} Tersor runs on {string.Join(", ", Platform.Supported)}; this is {Platform.Name}.");
                return ExitCodes.Failed;
            case var expected when IsExpected(exception):
                terminal.Say($"Error: {expected.Message}");
                return ExitCodes.Failed;
            default:
                terminal.Error.WriteLine($"This is a bug in Tersor {CommandLine.Version}. Please report it with the command you gave and what follows.\n{exception}");
                return ExitCodes.Failed;
        }
    }

    // The class whose use needs the library first cannot be initialized, however deep below.
    private static DllNotFoundException? MissingLibrary(Exception? exception) => exception switch
    {
        null => null,
        DllNotFoundException missing => missing,
        _ => MissingLibrary(exception.InnerException),
    };

    // Named one by one: an exception of any other type is a bug until someone decides otherwise.
    private static bool IsExpected(Exception exception) => exception is OnnxException or DataException or RuntimeException or CompressionException or TrainingException
        or IOException or UnauthorizedAccessException;
}
