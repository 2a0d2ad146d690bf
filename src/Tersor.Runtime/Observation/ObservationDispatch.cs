using Microsoft.ML.OnnxRuntime;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Hands each observed tensor to the observers that want it.</summary>
internal sealed class ObservationDispatch
{
    private readonly Dictionary<Value, List<ValueObserver>> readers = new(ReferenceEqualityComparer.Instance);

    public ObservationDispatch(IEnumerable<ValueObserver> observers)
    {
        foreach (ValueObserver observer in observers)
        {
            foreach (Value value in observer.Values.Distinct())
            {
                if (!readers.TryGetValue(value, out List<ValueObserver>? list))
                    readers[value] = list = [];
                list.Add(observer);
            }
        }
    }

    public IReadOnlyCollection<Value> Values => readers.Keys;

    /// <summary>Values that came at least once.</summary>
    public HashSet<Value> Seen { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>A constant, or an input as the caller feeds it.</summary>
    public void Known(Export export, IReadOnlyDictionary<string, Tensor> inputs, int sample, int step)
    {
        if ((export.Wanted.IsGraphInput ? inputs.GetValueOrDefault(export.Wanted.Name) : null) is { } fed)
            Deliver(export.Wanted, new(fed, sample, step));
        else if (export.Wanted.Tensor is { } constant)
            Deliver(export.Wanted, new(constant, sample, step));
    }

    /// <summary>What the engine computed. Returns its bytes.</summary>
    public long Computed(Export export, OrtValue value, int sample, int step)
    {
        if (export.Form != ExportForm.Sequence)
            return Tensors(export, value, sample, step);
        long bytes = 0;
        int count = value.GetValueCount();
        if (count == 0)
            NotTaken(export.Wanted);
        for (int i = 0; i < count; i++)
        {
            using OrtValue element = value.GetValue(i, OrtAllocator.DefaultInstance);
            bytes += Tensors(export, element, sample, step);
        }
        return bytes;
    }

    private long Tensors(Export export, OrtValue value, int sample, int step)
    {
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        ElementType type = (ElementType)info.ElementDataType;
        long[] shape = info.Shape;
        if (info.ElementCount == 0 && (export.Form == ExportForm.TensorOrEmpty || shape.AsSpan(0, Math.Min(export.Stacked, shape.Length)).Contains(0)))
        {
            NotTaken(export.Wanted);
            return 0;
        }
        if (type == ElementType.String || export.Stacked == 0)
        {
            if (type == ElementType.String)
            {
                Tensor strings = OrtTensors.FromOrt(value, export.Wanted.Name);
                Deliver(export.Wanted, new(strings, sample, step));
                return strings.ByteLength;
            }
            Deliver(export.Wanted, new(type, shape, value.GetTensorMutableRawData(), sample, step));
            return type.ByteLength(info.ElementCount);
        }
        ReadOnlySpan<byte> bytes = value.GetTensorMutableRawData();
        ReadOnlySpan<long> inner = shape.AsSpan(export.Stacked);
        int size = (int)type.ByteLength(Tensor.ElementCount(inner));
        long count = Tensor.ElementCount(shape.AsSpan(0, export.Stacked));
        for (int i = 0; i < count; i++)
            Deliver(export.Wanted, new(type, inner, bytes.Slice(i * size, size), sample, step));
        return bytes.Length;
    }

    private void NotTaken(Value value)
    {
        foreach (ValueObserver observer in readers[value])
            observer.NotTaken(value);
    }

    private void Deliver(Value value, ObservedTensor tensor)
    {
        Seen.Add(value);
        foreach (ValueObserver observer in readers[value])
            observer.Collect(value, tensor);
    }
}
