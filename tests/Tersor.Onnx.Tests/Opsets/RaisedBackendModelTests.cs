using Tersor.Onnx.Opsets;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Opsets;

public sealed class RaisedBackendModelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(OpsetRaiser.Supported)]
    [InlineData(OpsetRaiser.Newest)]
    public void Raised_backend_models_give_the_bits_they_gave_before(long target)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [];
        int compared = 0, againstFile = 0, refused = 0;
        foreach (BackendCase test in BackendCase.All.Where(t => t.Model.Opset is > 0 && t.Model.Opset < target))
        {
            IReadOnlyDictionary<string, Tensor>? before = BackendCase.TryRun(test.Model, test.Inputs);
            try
            {
                OpsetRaiser.Raise(test.Model, target);
                using ModelSession session = new(test.Model, BackendCase.AsWritten);
                IReadOnlyDictionary<string, Tensor> after = session.Run(test.Inputs);
                if (before is not null)
                {
                    compared++;
                    failures.AddRange(after.Where(o => !o.Value.ContentEquals(before[o.Key])).Select(o => $"{test.Name}: {o.Key} differs"));
                }
                else
                {
                    // ONNX Runtime has the operator in its newer form only: what the specification's authors computed decides.
                    againstFile++;
                    for (int i = 0; i < test.Expected.Count; i++)
                    {
                        if (test.Expected[i] is { } expected && !Close(expected, after[test.Model.Graph.Outputs[i].Name]))
                            failures.Add($"{test.Name}: output {i} is not what the test expects");
                    }
                }
            }
            catch (OnnxException e)
            {
                refused++; // none: every operator of the tests is covered
                failures.Add($"{test.Name}: {e.Message}");
            }
            catch (RuntimeException e)
            {
                if (before is not null && (target == OpsetRaiser.Supported || !e.Message.Contains("Could not find an implementation", StringComparison.Ordinal)))
                    failures.Add($"{test.Name}: {e.Message}");
            }
        }
        output.WriteLine($"{compared} compared, {againstFile} run only when raised, {refused} refused");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared >= 750 && againstFile >= 20, $"{compared} compared, {againstFile} run only when raised");
    }

    private static bool Close(Tensor expected, Tensor found) => expected.Type == found.Type && expected.Shape.AsSpan().SequenceEqual(found.Shape.AsSpan())
        && (expected.ContentEquals(found) || expected.ToDoubles().Zip(found.ToDoubles(), (e, f) => Math.Abs(e - f) <= 1e-5 * Math.Max(1, Math.Abs(e))).All(close => close));
}
