using Tersor.Onnx;
using Tersor.Runtime.Guard;
using Tersor.Testing;

namespace Tersor.Runtime.Tests.Guard;

public sealed class ModelSizeTests
{
    [Fact]
    public void External_data_count()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
        string path = Path.Combine(folder.FullName, "model.onnx");
        Build.Model([4, 64], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 1, 64, 64))])).Save(path, new() { ExternalData = ExternalDataMode.Always });
        Assert.Equal(new FileInfo(path).Length + 64 * 64 * 4, ModelSize.Of(path));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Weights_in_few_bits_count_as_the_floats_they_become()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
        string path = Path.Combine(folder.FullName, "model.onnx");
        Build.Model([4, 64], (g, x) => g.Apply("MatMul", [x, g.Apply("DequantizeLinear", [g.AddInitializer("w", Tensor.Create([64, 64], new sbyte[64 * 64])), g.AddInitializer("scale", Tensor.Scalar(0.1f))])])).Save(path, new() { ExternalData = ExternalDataMode.Always });
        Assert.True(ModelSize.Of(path) >= 64 * 64 * (1 + 4));
        folder.Delete(recursive: true);
    }
}
