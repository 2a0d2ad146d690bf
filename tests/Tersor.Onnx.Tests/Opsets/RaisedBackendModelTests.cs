using Tersor.Onnx.Opsets;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Opsets;

public sealed class RaisedBackendModelTests(ITestOutputHelper output)
{
    [Fact]
    public void Raised_backend_models_give_the_bits_they_gave_before()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [];
        int compared = 0, againstFile = 0, refused = 0;
        foreach (BackendCase test in BackendCase.All.Where(t => t.Model.Opset is > 0 and < 21))
        {
            IReadOnlyDictionary<string, Tensor>? before = BackendCase.TryRun(test.Model, test.Inputs);
            try
            {
                OpsetRaiser.Raise(test.Model);
                using ModelSession session = new(test.Model, BackendCase.AsWritten);
                IReadOnlyDictionary<string, Tensor> after = session.Run(test.Inputs);
                if (before is not null)
                {
                    compared++;
                    failures.AddRange(after.Where(o => !o.Value.ContentEquals(before[o.Key])).Select(o => $"{test.Name}: {o.Key} differs"));
                }
                else
                {
                    againstFile++;
                }
            }
            catch (OnnxException e)
            {
                refused++;
                failures.Add($"{test.Name}: {e.Message}");
            }
            catch (RuntimeException e)
            {
                if (before is not null)
                    failures.Add($"{test.Name}: {e.Message}");
            }
        }
        output.WriteLine($"{compared} compared, {againstFile} run only when raised, {refused} refused");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }
}
