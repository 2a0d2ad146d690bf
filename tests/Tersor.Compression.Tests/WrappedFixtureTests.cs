using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests;

public sealed class WrappedFixtureTests
{
    private static readonly SessionSettings AsWritten = new() { Optimization = EngineOptimization.None };

    /// <summary>The engine computes half precision in single and drops the casts between neighbours, so taking a constant out of a chain moves its roundings.
    /// The optimizer sees the difference and takes the step back; the pass alone cannot know.</summary>
    private static readonly string[] RoundedElsewhere = ["test_attention_4d_fp16_expanded", "test_attention_4d_gqa_with_past_and_present_fp16_expanded"];

    /// <summary>ONNX's backend tests with tensor inputs, each as it is, inside an If and inside a function, through every pass of the catalogue.</summary>
    [Theory]
    [InlineData("in the open"), InlineData("in an If"), InlineData("in a function")]
    public void Every_pass_leaves_the_outputs_of_every_fixture_as_they_were(string place)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [];
        int changes = 0;
        foreach (string folder in SharedFiles.BackendTests)
        {
            if (BackendTest.Load(folder, out _) is not { } test || UsesRandomNumbers(test.Model))
                continue;
            Model placed = place switch { "in an If" => Wrapping.InIf(test.Model), "in a function" => Wrapping.InFunction(test.Model), _ => test.Model };
            IReadOnlyDictionary<string, Tensor>? expected = null;
            foreach (PassEntry entry in PassCatalog.Entries)
            {
                Model changed = placed.Clone();
                Pass pass = entry.Create(null);
                if (pass.Effect == PassEffect.Lossy || pass.Problems(changed, PassContext.None).Any() || pass.Run(changed, PassContext.None).Changes.Count == 0)
                    continue;
                expected ??= Running.TryRun(placed, test.Inputs, out _, AsWritten);
                if (expected is null)
                    break; // the engine does not run the fixture
                changes++;
                if (Running.TryRun(changed, test.Inputs, out string problem, AsWritten) is not { } actual)
                    failures.Add($"{test.Name}, {entry.Name}: {problem}");
                else if (Running.Differences(expected, actual, RoundedElsewhere.Contains(test.Name) ? 1e-3 : pass.Effect == PassEffect.Structural ? 0 : 1e-5) is { Count: > 0 } differences)
                    failures.Add($"{test.Name}, {entry.Name}: {differences[0]}");
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(changes > 300, $"only {changes} fixtures were changed by a pass");
    }

    private static bool UsesRandomNumbers(Model model) => model.AllNodes().Any(n => n.OpType.StartsWith("Random", StringComparison.Ordinal) || n.Is("Bernoulli", "Multinomial", "Dropout"));
}
