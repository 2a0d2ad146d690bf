using Google.Protobuf;
using Tersor.Onnx.Protos;
using Tersor.Onnx.Reading;

namespace Tersor.Onnx;

/// <summary>Tensors in files of their own (.pb), as ONNX's test data keeps them.</summary>
public static class TensorFile
{
    /// <summary>A tensor and its name.</summary>
    /// <exception cref="OnnxException">Not a tensor file, or a broken one.</exception>
    public static (string Name, Tensor Tensor) Read(byte[] bytes)
    {
        try
        {
            TensorProto proto = TensorProto.Parser.ParseFrom(bytes);
            return (proto.Name, new TensorReader(null, new()).Read(proto, $"Tensor '{proto.Name}'"));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new OnnxException("Not a tensor file, or a broken one.", e);
        }
    }

    /// <summary>The bytes of a tensor file.</summary>
    public static byte[] Write(string name, Tensor tensor) => Writing.ModelEncoder.EncodeTensor(tensor, null, name, null).ToByteArray();
}
