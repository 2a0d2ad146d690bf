using Microsoft.ML.OnnxRuntime;

namespace Tersor.Runtime;

/// <summary><see cref="RuntimeValue"/> ↔ ONNX Runtime's OrtValue.</summary>
internal static class OrtValues
{
    public static OrtValue ToOrt(RuntimeValue value)
    {
        switch (value)
        {
            case RuntimeValue.Dense dense:
                return OrtTensors.ToOrt(dense.Tensor);
            case RuntimeValue.Sequence { Elements.Count: 0 }:
                throw new RuntimeException("An empty sequence cannot be fed: ONNX Runtime's interface gives it no element type.");
            case RuntimeValue.Sequence sequence:
                return OrtValue.CreateSequence([.. sequence.Elements.Select(ToOrt)]);
            case RuntimeValue.Map map:
                OrtValue keys = OrtTensors.ToOrt(map.Keys), values = OrtTensors.ToOrt(map.Values);
                return OrtValue.CreateMap(ref keys!, ref values!);
            default:
                throw new RuntimeException("An absent optional value cannot be fed: ONNX Runtime's interface has no form for it.");
        }
    }

    public static RuntimeValue FromOrt(OrtValue value)
    {
        switch (value.OnnxType)
        {
            case OnnxValueType.ONNX_TYPE_TENSOR:
                return OrtTensors.FromOrt(value, "");
            case OnnxValueType.ONNX_TYPE_SEQUENCE:
                List<RuntimeValue> elements = [];
                int count = value.GetValueCount();
                for (int i = 0; i < count; i++)
                {
                    using OrtValue element = value.GetValue(i, OrtAllocator.DefaultInstance);
                    elements.Add(FromOrt(element));
                }
                return new RuntimeValue.Sequence(elements);
            case OnnxValueType.ONNX_TYPE_MAP:
                using (OrtValue keys = value.GetValue(0, OrtAllocator.DefaultInstance), values = value.GetValue(1, OrtAllocator.DefaultInstance))
                    return new RuntimeValue.Map(OrtTensors.FromOrt(keys, ""), OrtTensors.FromOrt(values, ""));
            case OnnxValueType.ONNX_TYPE_UNKNOWN:
                return new RuntimeValue.Absent();
            default:
                throw new RuntimeException($"A value of kind {value.OnnxType} cannot be read back from ONNX Runtime.");
        }
    }
}
