using Tersor.Onnx;
using Tersor.Training.Libtorch;

namespace Tersor.Training.Tests.Libtorch;

public sealed class TorchTensorsTests
{
    public static TheoryData<ElementType> Types =>
    [
        ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.BFloat16, ElementType.Int64, ElementType.Int32, ElementType.Int16, ElementType.Int8, ElementType.UInt8,
        ElementType.UInt16, ElementType.UInt32, ElementType.UInt64, ElementType.Bool, ElementType.Int4, ElementType.UInt4, ElementType.Int2, ElementType.UInt2,
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_type_comes_back_as_it_was(ElementType type)
    {
        byte[] bytes = [.. Enumerable.Range(0, (int)type.ByteLength(8)).Select(i => (byte)(type == ElementType.Bool ? i % 2 : 17 * i + 1))];
        OnnxTensor tensor = OnnxTensor.FromBytes(type, [2, 4], bytes);
        using Tensor torch = TorchTensors.ToTorch(tensor);
        Assert.Equal([2, 4], torch.shape);
        OnnxTensor back = TorchTensors.ToOnnx(torch, type);
        Assert.True(back.ContentEquals(tensor), $"{tensor}: {Convert.ToHexString(bytes)} came back as {Convert.ToHexString(back.Bytes)}");
    }

    [Fact]
    public void Empty_tensors_and_scalars_keep_their_shape()
    {
        using Tensor empty = TorchTensors.ToTorch(OnnxTensor.Create<float>([0, 3], []));
        Assert.Equal([0, 3], empty.shape);
        Assert.Equal([0, 3], TorchTensors.ToOnnx(empty).Shape.AsSpan().ToArray());
        using Tensor scalar = TorchTensors.ToTorch(OnnxTensor.Scalar(3f));
        Assert.Empty(scalar.shape);
        Assert.Equal(3f, TorchTensors.ToOnnx(scalar).Span<float>()[0]);
    }
}
