using Microsoft.ML.OnnxRuntime;
using Tersor.Onnx;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace Tersor.Runtime;

/// <summary><see cref="Tensor"/> ↔ ONNX Runtime's OrtValue, byte for byte.</summary>
internal static class OrtTensors
{
    public static OrtValue ToOrt(Tensor tensor)
    {
        long[] shape = [.. tensor.Shape];
        if (tensor.Type == ElementType.String)
        {
            OrtValue strings = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
            for (int i = 0; i < tensor.Length; i++)
                strings.StringTensorSetElementAt(tensor.Strings[i].Span, i);
            return strings;
        }
        OrtValue value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, (TensorElementType)tensor.Type, shape);
        tensor.Read(0, value.GetTensorMutableRawData());
        return value;
    }

    public static Tensor FromOrt(OrtValue value, string name)
    {
        if (!value.IsTensor)
            throw new RuntimeException($"Output '{name}' is not a tensor but {value.OnnxType}.");
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        ElementType type = (ElementType)info.ElementDataType;
        if (type == ElementType.String)
        {
            return Tensor.FromStrings(info.Shape, Enumerable.Range(0, (int)info.ElementCount)
                .Select(i => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(value.GetStringElement(i))));
        }
        return Tensor.FromBytes(type, info.Shape, value.GetTensorMutableRawData().ToArray());
    }
}
