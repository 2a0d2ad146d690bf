using System.Globalization;
using Tersor.Testing;

namespace Tersor.Training.Tests.Operators;

/// <summary>Operators against ONNX's own backend tests, with no help from another engine.</summary>
public sealed class ConformanceTests(ITestOutputHelper output)
{
    // TERSOR_CASES=conv,lstm runs only tests whose name holds one of the words, and says more.
    private static readonly string[] Words = (Environment.GetEnvironmentVariable("TERSOR_CASES") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    [Fact]
    public void Backend_tests_with_a_floating_point_output_pass()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        BackendOutcome[] outcomes = [.. SharedFiles.BackendTests.Where(f => Words.Length == 0 || Words.Any(w => Path.GetFileName(f).Contains(w, StringComparison.OrdinalIgnoreCase))).Select(BackendRun.Run)];
        foreach (IGrouping<BackendOutcomeKind, BackendOutcome> kind in outcomes.GroupBy(o => o.Kind))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind.Key}: {kind.Count()}"));
        foreach (BackendOutcome outcome in outcomes.Where(o => o.Kind is BackendOutcomeKind.Missing or BackendOutcomeKind.Failed).OrderBy(o => o.Kind))
            output.WriteLine($"{outcome.Kind} {outcome.Name}: {outcome.Text}");
        Assert.Empty(outcomes.Where(o => o.Kind == BackendOutcomeKind.Failed).Select(o => $"{o.Name}: {o.Text}"));
        if (Words.Length == 0)
            Assert.True(outcomes.Count(o => o.Kind == BackendOutcomeKind.Passed) >= 900, "fewer than 900 pass");
    }
}
