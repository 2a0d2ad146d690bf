using System.Diagnostics;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>The float model with a switch at every activation: with it, one of them is rounded to the integers of a range, the others stay as they are.</summary>
/// <remarks>The activation and its scale are inputs, so that one loaded model serves every trial of every range.</remarks>
internal sealed class RangeTrials : IDisposable
{
    private const string ActiveName = "tersor_active", ScaleName = "tersor_scale", ZeroPointName = "tersor_zero_point";
    private readonly OutputNoise noise;
    private readonly ModelSession session;
    private readonly IReadOnlyList<string> outputs;
    private readonly Dictionary<string, int> indices = [];

    /// <param name="model">Float. Not modified.</param>
    /// <param name="activations">Values of it that may be rounded.</param>
    /// <param name="type">Integers of activations.</param>
    /// <param name="noise">What outputs are compared with.</param>
    /// <param name="settings">How to run.</param>
    public RangeTrials(Model model, IEnumerable<Value> activations, ElementType type, OutputNoise noise, SessionSettings settings)
    {
        this.noise = noise;
        Model view = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Value active = view.Graph.AddInput(ActiveName, OnnxType.Of(ElementType.Int64)), scale = view.Graph.AddInput(ScaleName, OnnxType.Of(ElementType.Float32)), zeroPoint = view.Graph.AddInput(ZeroPointName, OnnxType.Of(QuantizationParameters.Carrier(type)));
        foreach (Value value in activations)
        {
            indices[value.Name] = indices.Count;
            Switch(copies[value], indices[value.Name], type, active, scale, zeroPoint);
        }
        outputs = LogitView.AddTo(view);
        session = new(view, settings);
    }

    /// <summary>Error at the outputs when one value alone is rounded: energy of the difference over energy of the signal, over the first samples.</summary>
    /// <param name="value">The value's name.</param>
    /// <param name="parameters">Scale and zero point.</param>
    /// <param name="samples">How many samples.</param>
    /// <param name="cancellation">Looked at between samples.</param>
    public double Of(string value, QuantizationParameters parameters, int samples, CancellationToken cancellation) => Run(indices[value], parameters, samples, cancellation);

    /// <summary>Time of one sample with every switch off.</summary>
    public TimeSpan Idle(ElementType type, CancellationToken cancellation)
    {
        QuantizationParameters any = QuantizationParameters.FromRange(-1, 1, type);
        Run(-1, any, 1, cancellation);
        long start = Stopwatch.GetTimestamp();
        Run(-1, any, 1, cancellation);
        return Stopwatch.GetElapsedTime(start);
    }

    public void Dispose() => session.Dispose();

    private double Run(int index, QuantizationParameters parameters, int samples, CancellationToken cancellation)
    {
        Dictionary<string, Tensor> numbers = new()
        {
            [ActiveName] = Tensor.Scalar((long)index),
            [ScaleName] = Tensor.Scalar(parameters.Scale),
            [ZeroPointName] = parameters.ZeroPointTensor(),
        };
        return noise.Of(session, outputs, numbers, samples, cancellation);
    }

    /// <summary>if active = index then DequantizeLinear(QuantizeLinear(x)) else x, for everything that reads x.</summary>
    private static void Switch(Value value, int index, ElementType type, Value active, Value scale, Value zeroPoint)
    {
        Graph graph = value.Graph;
        Use[] readers = [.. value.Uses];
        bool[] given = [.. graph.Outputs.Select(o => ReferenceEquals(o, value))];
        Node? position = value.Producer is { } producer ? producer.Next : graph.Nodes.FirstOrDefault();
        Value number = graph.AddInitializer($"{value.Name}/index", Tensor.Scalar((long)index));
        Value chosen = graph.InsertBefore(position, "Equal", [active, number], [$"{value.Name}/chosen"]).Outputs[0]!;
        Graph rounded = graph.NewBody($"{value.Name}/rounded"), same = graph.NewBody($"{value.Name}/same");
        Value integers = ActivationRounding.Insert(rounded, null, value, scale, zeroPoint, type, (tensor, name) => graph.AddInitializer(name, tensor));
        foreach ((Graph body, Value result) in new[] { (rounded, rounded.AddNode("DequantizeLinear", [integers, scale, zeroPoint], [$"{value.Name}/restored"]).Outputs[0]!), (same, same.AddNode("Identity", [value], [$"{value.Name}/copy"]).Outputs[0]!) })
        {
            result.Type = new OnnxType.Tensor(ElementType.Float32, null);
            body.AddOutput(result);
        }
        Value switched = graph.InsertBefore(position, "If", [chosen], [$"{value.Name}/switched"], [new("then_branch", rounded), new("else_branch", same)]).Outputs[0]!;
        switched.Type = value.Type;
        foreach (Use reader in readers)
            reader.Node.SetInput(reader.Index, switched);
        for (int i = 0; i < given.Length; i++)
        {
            if (given[i])
                graph.SetOutput(i, switched);
        }
    }
}
