using System.Text.RegularExpressions;

namespace Tersor.Runtime;

/// <summary>ONNX Runtime's error messages as one line in plain words: without error codes, source files and C++ signatures.</summary>
internal static partial class EngineMessages
{
    private const int MaxLength = 600;

    public static string Clean(string message)
    {
        string text = WhiteSpace().Replace(message, " ").Trim();
        text = ErrorCode().Replace(text, "");
        text = SourcePlace().Replace(text, "");
        text = StackTrace().Replace(text, "");
        text = LoadedFrom().Replace(text, ""); // often a temporary file the reader never saw
        text = text.Replace("Non-zero status code returned while running ", "", StringComparison.Ordinal).Replace(" Status Message:", ":", StringComparison.Ordinal);
        text = NodeName().Replace(text, "'$1'");
        text = WhiteSpace().Replace(text, " ").Trim();
        if (text.Length > MaxLength)
            text = string.Concat(text.AsSpan(0, MaxLength), "…");
        return text.Length == 0 ? "no reason given." : text;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();

    [GeneratedRegex(@"^\[ErrorCode:\w+\]\s*")]
    private static partial Regex ErrorCode();

    // "/onnxruntime_src/onnxruntime/core/graph/graph.cc:1234 void onnxruntime::Graph::Resolve(int, const X&) const [with T = float] "
    [GeneratedRegex(@"(?:\S*[/\\])?[\w.-]+\.(?:cc|h|hpp|cpp):\d+ (?:[\w:~<>*&,= \[\]]*\((?:[^()]|\([^()]*\))*\)(?: const)?(?: \[with [^\]]*\])? )?")]
    private static partial Regex SourcePlace();

    [GeneratedRegex(@"Load model from \S+ (?:failed: ?)?(?:Fatal error: )?")]
    private static partial Regex LoadedFrom();

    [GeneratedRegex(@" ?Stacktrace:.*$")]
    private static partial Regex StackTrace();

    [GeneratedRegex(@"Name:'([^']*)'")]
    private static partial Regex NodeName();
}
