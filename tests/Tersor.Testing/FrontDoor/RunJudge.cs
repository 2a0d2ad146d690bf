using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Tersor.Onnx;

namespace Tersor.Testing.FrontDoor;

/// <summary>What the tool promises whatever it is given: an exit code of its own, one message, harmless text, whole files or none, nothing left behind, nothing of the user's changed.</summary>
internal sealed partial class RunJudge
{
    private static readonly string[] Remarks = ["Warning: ", "Note: ", "No gain: ", "There is no plan: "];
    private static readonly string[] UsageRemarks = ["Did you mean '", "See 'tersor"];

    private readonly FrontDoorCase run;
    private readonly SortedDictionary<string, string> before;

    /// <param name="run">Before it runs.</param>
    public RunJudge(FrontDoorCase run)
    {
        this.run = run;
        before = Hashes("in");
    }

    /// <summary>Every promise that was broken, in words.</summary>
    public IEnumerable<string> Faults(ProcessOutcome outcome)
    {
        if (outcome.Exceeded is { } exceeded)
        {
            yield return exceeded;
            yield break;
        }
        if (outcome.ExitCode is < 0 or > 3)
            yield return $"exit code {outcome.ExitCode}: {LastLine(outcome.Error)}";
        foreach (string fault in Said(outcome).Concat(Files(outcome)))
            yield return fault;
    }

    /// <summary>The first error message with names and numbers taken out; null where there is none.</summary>
    public static string? Kind(ProcessOutcome outcome) =>
        Lines(outcome.Error).FirstOrDefault(l => l.StartsWith("Error: ", StringComparison.Ordinal)) is { } line ? General(line) : null;

    /// <summary>A text with names and numbers taken out, to tell kinds apart.</summary>
    public static string General(string text) => Numbers().Replace(Names().Replace(text, "'...'"), "#") is { Length: > 220 } line ? line[..220] : Numbers().Replace(Names().Replace(text, "'...'"), "#");

    private IEnumerable<string> Said(ProcessOutcome outcome)
    {
        bool failed = outcome.ExitCode is 1 or 2;
        string[] lines = Lines(outcome.Error);
        int bug = Array.FindIndex(lines, l => l.StartsWith("This is a bug", StringComparison.Ordinal) || l.StartsWith("Unhandled exception", StringComparison.Ordinal));
        if (bug >= 0)
        {
            yield return $"a bug: {string.Join(" | ", lines.Skip(bug + 1).Where(l => !l.StartsWith("   at System.", StringComparison.Ordinal)).Take(4).Select(l => l.Trim()))}";
            yield break;
        }
        if (outcome.Error.Concat(outcome.Out).FirstOrDefault(IsControl) is not '\0' and var control)
            yield return $"prints the control character U+{(int)control:X4}";
        string[] errors = [.. lines.Where(l => l.StartsWith("Error: ", StringComparison.Ordinal))];
        if (outcome.ExitCode == 1 && errors.Length != 1)
            yield return $"{errors.Length} errors with exit code 1";
        if (outcome.ExitCode == 2 && errors.Length == 0)
            yield return "no error with exit code 2";
        if (!failed && errors.Length > 0)
            yield return $"an error with exit code {outcome.ExitCode}: {errors[0]}";
        string[] allowed = outcome.ExitCode == 2 ? [.. Remarks, .. UsageRemarks] : Remarks;
        if (lines.Except(errors).FirstOrDefault(l => !allowed.Any(a => l.StartsWith(a, StringComparison.Ordinal))) is { } stray)
            yield return $"a line of neither errors nor remarks: {stray}";
        if (errors.FirstOrDefault(IsInner) is { } inner)
            yield return $"a message in words of the program and not of the file: {inner}";
        // A model that does not run itself is told about before: this one did.
        if (errors.FirstOrDefault(e => e.StartsWith("Error: The result was not written", StringComparison.Ordinal)) is { } broken)
            yield return $"makes a model that does not run: {broken}";
        if (failed && outcome.Out.Length > 0)
            yield return "prints a result though it failed";
        if (!failed && run.Arguments.Contains("--json") && JsonProblem(outcome.Out) is { } problem)
            yield return $"stdout is not JSON: {problem}";
    }

    private IEnumerable<string> Files(ProcessOutcome outcome)
    {
        SortedDictionary<string, string> after = Hashes("in");
        if (!before.SequenceEqual(after))
            yield return "an input file is not what it was";
        string[] written = [.. Hashes("out").Keys];
        if (outcome.ExitCode is 1 or 2 && written.Length > 0)
            yield return $"wrote {string.Join(", ", written)} though it failed";
        if (written.Any(f => f.Contains(".tersor-", StringComparison.Ordinal)))
            yield return $"left a temporary file beside the output: {string.Join(", ", written)}";
        bool writes = run.Template.Uses("output") && !run.Arguments.Contains("--dry-run");
        if (outcome.ExitCode is 0 or 3 && writes && ModelProblem() is { } problem)
            yield return $"its output cannot be read: {problem}";
        if (Directory.EnumerateFileSystemEntries(Path.Combine(run.Folder, "tmp")).FirstOrDefault() is { } litter)
            yield return $"left {Path.GetFileName(litter)} in the temporary folder";
        if (Hashes("home").Keys.FirstOrDefault(f => !f.StartsWith("home/.cache/tersor/", StringComparison.Ordinal)) is { } stray)
            yield return $"left {stray}";
    }

    private string? ModelProblem()
    {
        try
        {
            Model.Load(run.Output);
            return null;
        }
        catch (Exception e) when (e is OnnxException or IOException)
        {
            return e.Message;
        }
    }

    private static string? JsonProblem(string text)
    {
        try
        {
            JsonDocument.Parse(text).Dispose();
            return null;
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }

    private SortedDictionary<string, string> Hashes(string part)
    {
        SortedDictionary<string, string> hashes = new(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(Path.Combine(run.Folder, part), "*", SearchOption.AllDirectories))
            hashes[Path.GetRelativePath(run.Folder, path)] = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
        return hashes;
    }

    private static bool IsControl(char c) => c != '\n' && (char.IsControl(c) || c is '\u061C' or '\u200E' or '\u200F' or (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069'));

    /// <summary>Words of .NET's own exceptions, which tell a user nothing.</summary>
    private static bool IsInner(string message) => Inner().IsMatch(message);

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string LastLine(string text) => Lines(text).LastOrDefault() ?? "";

    [GeneratedRegex("'[^']*'|in/[^ :,]*|\"[^\"]*\"")]
    private static partial Regex Names();

    [GeneratedRegex(@"-?\d+([.,]\d+)*")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"Object reference|Index was out|Sequence contains|System\.[A-Z]|given key|\(Parameter '|Arithmetic operation resulted|Specified argument was out|Value cannot be null|Unable to cast|Operation is not valid due|identified items|Nullable object|has been disposed|Collection was modified|\.NET member|Tersor\.[A-Z]\w+\.[A-Z]")]
    private static partial Regex Inner();
}
