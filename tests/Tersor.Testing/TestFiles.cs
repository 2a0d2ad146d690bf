using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Files in forms this library does not write itself.</summary>
public static class TestFiles
{
    /// <summary>The model's file with every initializer listed as a graph input too, as exporters did before IR version 4.</summary>
    public static byte[] WithInitializersAsInputs(Model model, long irVersion)
    {
        Model copy = model.Clone();
        copy.IrVersion = irVersion;
        byte[] file = copy.ToBytes();
        Model inputs = new(model.Opset, irVersion, model.Graph.Name);
        foreach (Value initializer in model.Graph.Initializers)
            inputs.Graph.AddInput(initializer.Name, OnnxType.Of(initializer.Tensor!));
        // Protobuf merges messages that follow each other: repeated fields are appended.
        return [.. file, .. inputs.ToBytes()];
    }
}
