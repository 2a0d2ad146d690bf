using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>One model: read, written, read again, run before and after, optimized, run again.</summary>
/// <remarks>In a child process: among the backend tests there is one (test_if_opt, the branch without a value) on which the engine crashes.</remarks>
internal sealed class ModelCheck(IModelRunner runner)
{
    public ModelOutcome Of(string path, string group, Model model)
    {
        ModelOutcome outcome = new(path, group);
        try
        {
            Model again = Model.Load(new MemoryStream(model.ToBytes()));
            outcome.RoundTrips = again.ToBytes().AsSpan().SequenceEqual(model.ToBytes());
            if (!outcome.RoundTrips)
                outcome.Problems.Add("differs when read again");
            IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? given = outcome.IsBackendTest ? TestData(path) : null;
            ModelVerifier? verifier = ModelVerifier.Create(model, given, null, runner, out string? reason)
                ?? ModelVerifier.Create(model, null, null, runner, out reason);
            outcome.Runs = verifier is not null;
            outcome.Reason = reason is null ? null : Shorten(reason);
            OptimizationResult result = new GraphOptimizer(new() { Samples = given, Runner = runner }).Run(model);
            Note(outcome, result);
            if (verifier is not null)
                Compare(outcome, verifier, again, result);
        }
        catch (Exception e) when (e is OnnxException or RuntimeException or CompressionException or InvalidOperationException or ArgumentException)
        {
            outcome.Problems.Add($"{e.GetType().Name}: {e.Message}");
        }
        return outcome;
    }

    private static void Note(ModelOutcome outcome, OptimizationResult result)
    {
        outcome.Changed = result.IsChanged;
        (outcome.NodesBefore, outcome.NodesAfter) = (result.NodesBefore.Values.Sum(), result.NodesAfter.Values.Sum());
        (outcome.BytesBefore, outcome.BytesAfter) = (result.BytesBefore, result.BytesAfter);
        outcome.Left = string.Join(" ", new[] { "Identity", "Dropout", "BatchNormalization" }.Select(o => result.NodesAfter.GetValueOrDefault(o)));
        outcome.RolledBack.AddRange(result.Steps.Where(s => s.RolledBack is not null).Select(s => $"{s.Pass}: {s.RolledBack}"));
        if (result.BytesAfter > 1.05 * result.BytesBefore)
            outcome.Problems.Add($"grows from {result.BytesBefore} to {result.BytesAfter} bytes");
    }

    private static void Compare(ModelOutcome outcome, ModelVerifier verifier, Model written, OptimizationResult result)
    {
        outcome.WrittenEqual = ModelVerifier.Compare(verifier.Outputs, verifier.Run(written)).BitEqual;
        if (!outcome.WrittenEqual)
            outcome.Problems.Add("gives other outputs once written");
        outcome.Difference = ModelVerifier.Compare(verifier.Outputs, verifier.Run(result.Model));
        outcome.BitEqual = outcome.Difference.BitEqual;
        bool arithmetic = result.Steps.Any(s => s.Pass == "fold-batch-normalization" && s.RolledBack is null && s.Report.Changes.Count > 0);
        outcome.OptimizedEqual = arithmetic ? outcome.Difference.Relative <= 1e-4 : outcome.BitEqual;
        if (!outcome.OptimizedEqual)
            outcome.Problems.Add($"optimized outputs differ by {outcome.Difference.Relative:0.0e0}");
    }

    private static IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? TestData(string path) => BackendTest.Load(Path.GetDirectoryName(path)!, out _) is { } test
        ? [test.Inputs.ToDictionary(p => p.Key, p => (RuntimeValue)p.Value)] : null;

    private static string Shorten(string reason)
    {
        string line = reason.ReplaceLineEndings(" ");
        return line.Length > 140 ? line[..140] : line;
    }
}
