using System.Text;

namespace Tersor.Cli;

/// <summary>Where a command writes: results to <see cref="Out"/>, everything else to <see cref="Error"/>.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error)
{
    /// <summary>The result, and nothing else. Whatever is written, no control sequence arrives.</summary>
    public TextWriter Out { get; } = new HarmlessText.Writer(output);

    /// <summary>Messages, warnings, progress; as <see cref="Out"/>.</summary>
    public TextWriter Error { get; } = new HarmlessText.Writer(error);

    /// <summary>Stdout for tables with colours: their text must be made harmless before.</summary>
    public TextWriter Styled => output;

    /// <summary>True when a person watches stdout: tables may be coloured and fit the window.</summary>
    public bool OutIsInteractive { get; init; }

    /// <summary>True when a person watches stderr: progress may be drawn.</summary>
    public bool ErrorIsInteractive { get; init; }

    /// <summary>Columns of the window; without one, as many as a line needs.</summary>
    public int Width { get; init; } = 10_000;

    /// <summary>What was typed behind the program's name, for messages that say how to go on; empty where nothing was.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>Says something to the user beside the result, on one line whatever it holds.</summary>
    public void Say(string message) => Error.WriteLine(HarmlessText.Of(message.ReplaceLineEndings(" ")));

    /// <summary>Writes a line over the one that was drawn last; an empty one takes it away.</summary>
    public void Draw(string line) => error.Write($"\r\u001b[K{HarmlessText.Of(line)}");

#pragma warning disable RS0030 // This is the one place that talks to the console: everyone else is given a Terminal.
    /// <summary>The process's own streams.</summary>
    public static Terminal OfProcess() => new(Writer(Console.OpenStandardOutput()), Writer(Console.OpenStandardError()))
    {
        OutIsInteractive = !Console.IsOutputRedirected && !IsDumb,
        ErrorIsInteractive = !Console.IsErrorRedirected && !IsDumb,
        Width = Console.IsOutputRedirected || IsDumb ? 10_000 : WindowWidth(),
    };

    private static bool IsDumb => Environment.GetEnvironmentVariable("TERM") == "dumb";

    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(false), bufferSize: 4096) { AutoFlush = true };

    private static int WindowWidth()
    {
        try
        {
            return Console.WindowWidth is > 0 and int width ? width : 10_000;
        }
        catch (IOException)
        {
            return 10_000; // a terminal that does not say
        }
    }
#pragma warning restore RS0030
}
