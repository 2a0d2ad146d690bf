using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>Half-precision weights and values become single precision; inputs and outputs of the model keep their types. The engine computes half precision so anyhow, with a conversion before and behind every node.</summary>
public sealed class WidenHalfPass : Pass
{
    /// <inheritdoc/>
    public override string Name => "widen-half";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Lossy; // sums are rounded less often than before

    /// <summary>Whether a model has half-precision weights.</summary>
    public static bool Applies(Model model) => model.Weights().Any(u => IsHalf(u.Value.Tensor?.Type ?? u.Value.Constant?.Type));

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (Value input in model.Graph.Inputs.Where(v => (!v.IsInitializer || v.IsOverridable) && IsHalf(v.Type?.AsTensor?.ElementType) && !v.IsUnused).ToArray())
            Widen(input);
        (Value Output, ElementType Type)[] outputs = [.. model.Graph.Outputs.Where(o => !o.IsGraphInput && IsHalf(o.Type?.AsTensor?.ElementType)).Select(o => (o, o.Type!.AsTensor!.ElementType))];
        foreach (Graph graph in model.AllGraphs())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            foreach (Value initializer in graph.Initializers.Where(v => IsHalf(v.Tensor?.Type) && !v.IsOverridable))
            {
#pragma warning disable RS0030 // Every reader takes single precision from now on.
                initializer.SetTensor(Widened(initializer.Tensor!));
#pragma warning restore RS0030
                report.Changed(initializer.Name, "is single precision now");
            }
            foreach (Node node in graph.Nodes)
                Change(node);
            foreach (Value value in graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Concat(graph.IsMain ? [] : graph.Inputs))
                Retype(value);
        }
        foreach ((Value output, ElementType type) in outputs)
        {
            int index = model.Graph.Outputs.ToList().IndexOf(output);
            Value cast = model.Graph.AddNode("Cast", [output], [$"{output.Name}_half"], [new("to", (NodeAttribute)(long)type)]).Outputs[0]!;
            model.Graph.SetOutput(index, cast); // takes the output's name, and its type, which is single by now
            cast.Type = output.Type is OnnxType.Tensor known ? known with { ElementType = type } : null;
        }
        return report;
    }

    private static bool IsHalf(ElementType? type) => type is ElementType.Float16 or ElementType.BFloat16;

    private static Tensor Widened(Tensor tensor) => Tensor.Create(tensor.Shape.AsSpan(), tensor.ToFloats());

    private static void Widen(Value input)
    {
        Graph graph = input.Graph;
        Use[] readers = [.. input.Uses];
        Value wide = graph.InsertBefore(graph.Nodes.FirstOrDefault(), "Cast", [input], [$"{input.Name}_single"], [new("to", (NodeAttribute)(long)ElementType.Float32)]).Outputs[0]!;
        foreach (Use reader in readers)
            reader.Node.SetInput(reader.Index, wide);
    }

    /// <summary>Attributes that hold or name the type.</summary>
    private static void Change(Node node)
    {
        foreach ((string name, NodeAttribute attribute) in node.Attributes.ToArray())
        {
            if (attribute is NodeAttribute.TensorValue { Value: var tensor } && IsHalf(tensor.Type))
                node.SetAttribute(name, Widened(tensor));
            else if (name is "to" or "dtype" or "output_dtype" && attribute is NodeAttribute.Int { Value: (long)ElementType.Float16 or (long)ElementType.BFloat16 })
                node.SetAttribute(name, (long)ElementType.Float32);
        }
    }

    private static void Retype(Value value)
    {
        if (value.Type is OnnxType.Tensor type && IsHalf(type.ElementType))
            value.Type = type with { ElementType = ElementType.Float32 };
    }
}
