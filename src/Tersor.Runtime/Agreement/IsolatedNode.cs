using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Runtime;

/// <summary>A node behind DequantizeLinear in a model of its own, with the conversions around it: what the engine makes of it there it makes of it in the whole model.</summary>
internal sealed class IsolatedNode
{
    private readonly Model model;
    private readonly Dictionary<Value, Value> copies = [];
    private readonly List<Value> inputs = [];

    private IsolatedNode(Node node)
    {
        Node = node;
        model = new(node.Graph.Model.Opset, node.Graph.Model.IrVersion);
        foreach ((string domain, long version) in node.Graph.Model.OpsetImports)
            model.OpsetImports[domain] = version;
    }

    /// <summary>The node in the whole model.</summary>
    public Node Node { get; }

    /// <summary>The values of the whole model that it is fed.</summary>
    public IReadOnlyList<Value> Inputs => inputs;

    /// <summary>Cuts a node out; null for one that no DequantizeLinear of an activation stands in front of.</summary>
    public static IsolatedNode? Of(Node node)
    {
        if (node.Is("QuantizeLinear", "DequantizeLinear") || node.Bodies.Any() || node.Graph.Function is not null || !node.Inputs.Any(v => v?.Producer is { } p && p.Is("DequantizeLinear") && !IsConstant(p.Inputs[0]!)))
            return null;
        IsolatedNode isolated = new(node);
        foreach (Value? input in node.Inputs)
        {
            if (input is not null)
                isolated.Read(input, behindConversion: true);
        }
        isolated.Copy(node);
        Node last = node;
        // The engine looks through a Relu or Clip on the way to the QuantizeLinear.
        if (node.Outputs is [{ IsGraphOutput: false, Uses: [{ Index: 0 } use] }] && use.Node.Is("Relu", "Clip") && ReferenceEquals(use.Node.Graph, node.Graph))
        {
            last = use.Node;
            foreach (Value? end in last.Inputs.Skip(1))
            {
                if (end is not null)
                    isolated.Read(end, behindConversion: false);
            }
            isolated.Copy(last);
        }
        foreach (Value output in last.Outputs.OfType<Value>())
            isolated.Give(output);
        return isolated;
    }

    /// <summary>Runs it with optimizations on and off; null where rounding explains the difference, or where it cannot be run alone.</summary>
    /// <param name="values">What stands for <see cref="Inputs"/>.</param>
    /// <param name="settings">How to run.</param>
    public EngineCulprit? Compare(IReadOnlyDictionary<Value, Tensor> values, SessionSettings settings)
    {
        foreach (Value input in inputs)
            copies[input].Type = new OnnxType.Tensor(values[input].Type, [.. values[input].Shape.Select(size => (Dimension)size)]);
        Dictionary<string, Tensor> fed = inputs.ToDictionary(i => copies[i].Name, i => values[i]);
        IReadOnlyDictionary<string, Tensor> optimized, written;
        try
        {
            using ModelSession session = new(model, settings), plain = new(model, EngineAgreement.AsWritten(settings));
            (optimized, written) = (session.Run(fed), plain.Run(fed));
        }
        catch (RuntimeException)
        {
            return null;
        }
        EngineCulprit? worst = null;
        foreach (Value output in model.Graph.Outputs)
        {
            bool rounded = output.Producer!.Is("QuantizeLinear");
            float[] left = Values(optimized[output.Name], output), right = Values(written[output.Name], output);
            double difference = EngineAgreement.Distance(left, right);
            double? steps = rounded ? left.Zip(right).Select(p => (double)Math.Abs(p.First - p.Second)).DefaultIfEmpty(0).Max() : null;
            // One step is a matter of rounding; kernels in whole numbers may round twice.
            if (rounded ? steps > 2 : difference > 1e-5)
                worst = worst is null || difference > worst.Difference ? new(Node, Kernel(settings), difference, steps) : worst;
        }
        return worst;
    }

    /// <summary>Steps away from the integer that stands for 0, or the numbers themselves.</summary>
    private static float[] Values(Tensor tensor, Value output)
    {
        float[] values = tensor.ToFloats();
        float zero = output.Producer!.Is("QuantizeLinear") && output.Producer.Input(2)?.Constant is { Length: 1 } point ? point.ToFloats()[0] : 0;
        return zero == 0 ? values : Array.ConvertAll(values, v => v - zero);
    }

    private string Kernel(SessionSettings settings)
    {
        using ScratchFolder folder = new();
        string path = folder.At("optimized.onnx");
        new ModelSession(model, settings with { OptimizedModelPath = path }).Dispose();
        return string.Join(", ", Model.Load(path).Graph.Nodes.Where(n => !n.Is("QuantizeLinear", "DequantizeLinear")).Select(n => n.OpType));
    }

    /// <summary>Makes a value that the node reads: constants and what is computed from them as they are, a DequantizeLinear from its integers, anything else as an input.</summary>
    private void Read(Value value, bool behindConversion)
    {
        if (copies.ContainsKey(value))
            return;
        if (value.Constant is { } constant)
            copies[value] = model.Graph.AddInitializer(value.Name, constant);
        else if (value.Producer is { } producer && (behindConversion && producer.Is("DequantizeLinear") || IsConstant(value)))
            ReadThrough(producer);
        else
        {
            copies[value] = model.Graph.AddInput(value.Name, value.Type);
            inputs.Add(value);
        }
    }

    private void ReadThrough(Node producer)
    {
        foreach (Value input in producer.Inputs.OfType<Value>())
            Read(input, behindConversion: false);
        Copy(producer);
    }

    private void Copy(Node node)
    {
        Node copy = model.Graph.AddNode(node.OpType, [.. node.Inputs.Select(v => v is null ? null : copies[v])], [.. node.Outputs.Select(v => v?.Name ?? "")], node.Attributes, node.Domain, node.Name);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i] is { } output)
                copies[output] = copy.Outputs[i]!;
        }
    }

    private void Give(Value output)
    {
        foreach (Node quantizer in output.Uses.Where(u => u.Index == 0 && u.Node.Is("QuantizeLinear") && ReferenceEquals(u.Node.Graph, output.Graph)).Select(u => u.Node))
        {
            foreach (Value parameter in quantizer.Inputs.Skip(1).OfType<Value>())
                Read(parameter, behindConversion: false);
            Copy(quantizer);
            Declare(copies[quantizer.Outputs[0]!], quantizer.Input(2)?.Constant?.Type ?? ElementType.UInt8);
        }
        if (output.IsGraphOutput || output.Uses.Any(u => !u.Node.Is("QuantizeLinear")))
            Declare(copies[output], output.Producer!.Is("ArgMax", "ArgMin") ? ElementType.Int64 : ElementType.Float32);
    }

    private void Declare(Value value, ElementType type)
    {
        value.Type = new OnnxType.Tensor(type, null);
        model.Graph.AddOutput(value);
    }

    private static bool IsConstant(Value value) => value.Constant is not null
        || value.Producer is { } producer && producer.Is("Cast", "Mul", "Transpose", "Reshape", "Identity", "DequantizeLinear", "Unsqueeze") && producer.Inputs.OfType<Value>().All(IsConstant);
}
