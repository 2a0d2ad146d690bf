using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class RoundTripTests
{
    [Fact]
    public void Every_shared_model_reads_back_as_the_same_graph()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [];
        int count = 0;
        foreach (string path in SharedFiles.BackendTests.Select(d => Path.Combine(d, "model.onnx")).Concat(SharedFiles.LightModels).Concat(SharedFiles.Models))
        {
            count++;
            try
            {
                Model model = Model.Load(path);
                byte[] once = model.ToBytes();
                byte[] twice = Model.Load(new MemoryStream(once)).ToBytes();
                byte[] clone = model.Clone().ToBytes();
                if (!once.AsSpan().SequenceEqual(twice) || !once.AsSpan().SequenceEqual(clone))
                    failures.Add($"{path}: differs");
            }
            catch (OnnxException e)
            {
                failures.Add(e.Message);
            }
        }
        Assert.Empty(failures);
        Assert.True(count > 1480);
    }
}
