using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Samples;

/// <summary>Running a model.</summary>
public static class Running
{
    public static void RunOnce(string path)
    {
        Model model = Model.Load(path);
        #region run
        Dictionary<string, Tensor> inputs = [];
        foreach (Value input in model.Graph.Inputs.Where(v => !v.IsInitializer))
        {
            OnnxType.Tensor type = input.Type!.AsTensor!;
            long[] shape = [.. type.Shape!.Value.Select(d => d.Size ?? 1)]; // 1 for every dimension that is not fixed
            inputs[input.Name] = Tensor.FromBytes(type.ElementType, shape, new byte[type.ElementType.ByteLength(Tensor.ElementCount(shape))]);
        }
        using ModelSession session = new(path, new SessionSettings { Threads = 1 });
        foreach ((string name, Tensor tensor) in session.Run(inputs))
            Console.WriteLine($"{name}: {tensor}");
        #endregion
    }
}
