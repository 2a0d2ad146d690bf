using Tersor.Onnx;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using Tersor.Training.Operators.Fused;
using Tersor.Training.Weights.Forms;
using static TorchSharp.torch;

namespace Tersor.Training.Weights.Quantized;

/// <summary>Trains what a model holds in integers: floats in the graph that runs, rounded in every step; integers, scales and the scales of biases in the model that is written.</summary>
/// <remarks>Source: Jacob et al. 2018, arXiv:1712.05877, section 3; for scales Esser et al. 2020, arXiv:1902.08153.</remarks>
/// <param name="parts">What there is.</param>
/// <param name="latent">What integers were rounded from, by name.</param>
internal sealed class QuantizedWeights(QuantizedParts parts, IReadOnlyDictionary<string, OnnxTensor> latent)
{
    private readonly Dictionary<Value, Parameter> logarithms = new(ReferenceEqualityComparer.Instance); // by the scale
    private readonly Dictionary<Value, LearnedScale> scales = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<QuantizedConstant, Parameter> weights = [];
    private readonly List<(QuantizedConstant Constant, QuantizedForm Form)> forms = [];
    private IReadOnlyDictionary<QuantizedConstant, Value> floats = new Dictionary<QuantizedConstant, Value>();
    private IReadOnlyDictionary<Value, Value> copies = new Dictionary<Value, Value>();

    /// <summary>Whether every float is read by the graph that runs.</summary>
    public bool AreUsed => floats.Values.All(f => !f.IsUnused);

    /// <summary>Whether there is anything.</summary>
    public bool Any => parts.Constants.Count > 0;

    /// <summary>Puts floats in the place of integers in a copy of the model.</summary>
    public void PutFloats(IReadOnlyDictionary<Value, Value> copies) => (this.copies, floats) = (copies, parts.PutFloats(copies));

    /// <summary>What is trained.</summary>
    /// <param name="offset">Where it begins in the buffer.</param>
    public IEnumerable<Parameter> Parameters(long offset)
    {
        foreach (QuantizedConstant constant in parts.Constants)
        {
            OnnxTensor start = latent.GetValueOrDefault(constant.Integers.Name) is { } given && given.Length == constant.Integers.Tensor!.Length ? given : QuantizedParts.Floats(constant);
            yield return weights[constant] = new(constant.Integers.Name, [.. constant.Integers.Tensor!.Shape], offset, [floats[constant]]) { Start = start };
            offset += start.Length;
            if (constant.IsWide || !parts.LearnsScales)
                continue;
            yield return Logarithm(constant.Scale, offset, []);
            offset += constant.Scale.Tensor!.Length;
        }
        foreach (Value scale in parts.Scales)
        {
            yield return Logarithm(scale, offset, [copies[scale]]);
            offset += scale.Tensor!.Length;
        }
    }

    /// <summary>Which parameter stands for which constant.</summary>
    public IEnumerable<(QuantizedConstant Constant, int Index)> Indices(IReadOnlyList<Parameter> parameters)
    {
        for (int i = 0; i < parameters.Count; i++)
        {
            if (weights.FirstOrDefault(w => ReferenceEquals(w.Value, parameters[i])).Key is { } constant)
                yield return (constant, i);
        }
    }

    /// <summary>How weights follow from what is trained.</summary>
    public void AddForms(IReadOnlyList<Parameter> parameters, ParameterBuffer buffer, GraphProgram program, IDictionary<int, IWeightForm> all)
    {
        Dictionary<Parameter, int> indices = parameters.Select((p, i) => (p, i)).ToDictionary(p => p.p, p => p.i, ReferenceEqualityComparer.Instance as IEqualityComparer<Parameter>);
        foreach ((Value scale, Parameter parameter) in logarithms)
            all[indices[parameter]] = scales[scale] = new(TorchTensors.ToTorch(scale.Tensor!, buffer.Values.dtype).DetachFromDisposeScope(), buffer.Leaf(indices[parameter]));
        foreach (QuantizedConstant constant in parts.Constants)
        {
            Func<Tensor> scale;
            if (constant.Layer is { } layer)
            {
                scale = () => (ScaleOf(layer.Weight.Scale, program) * ScaleOf(layer.InputScale, program)).detach();
            }
            else
            {
                scale = scales.TryGetValue(constant.Scale, out LearnedScale? learned) ? learned.Weight : () => program.ConstantOf(copies[constant.Scale]).alias();
            }
            (double least, double greatest) = constant.Limits();
            QuantizedForm form = new(buffer.Leaf(indices[weights[constant]]), scale, constant.ScaleShape(), least - constant.ZeroPoint, greatest - constant.ZeroPoint);
            all[indices[weights[constant]]] = form;
            forms.Add((constant, form));
        }
    }

    /// <summary>What gradients of scales are multiplied by, so that they weigh as much as a weight's: 1 / √(numbers · steps), by the index of the parameter.</summary>
    /// <remarks>Source: Esser et al. 2020, arXiv:1902.08153, section 2.2.</remarks>
    public IEnumerable<(int Index, double Factor)> GradientFactors(IReadOnlyList<Parameter> parameters, GraphProgram program)
    {
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            if (parts.Constants.FirstOrDefault(c => logarithms.TryGetValue(c.Scale, out Parameter? own) && ReferenceEquals(own, parameter)) is { } constant)
                yield return (i, 1 / Math.Sqrt((double)constant.Integers.Tensor!.Length / constant.Scale.Tensor!.Length * constant.Limits().Greatest));
            else if (parts.Scales.FirstOrDefault(s => ReferenceEquals(logarithms[s], parameter)) is { } scale)
                yield return (i, 1 / Math.Sqrt(Numbers(scale, program) * Levels(scale)));
        }
    }

    /// <summary>Writes integers and scales into the model.</summary>
    public void Write()
    {
        foreach ((QuantizedConstant constant, QuantizedForm form) in forms)
        {
            using IDisposable scope = NewDisposeScope();
            constant.Integers.SetTensor(TorchTensors.ToOnnx(form.Integers() + constant.ZeroPoint, constant.Integers.Tensor!.Type));
            constant.Scale.SetTensor(TorchTensors.ToOnnx(form.Scale().reshape([.. constant.Scale.Tensor!.Shape]), constant.Scale.Tensor.Type));
        }
        foreach (Value scale in parts.Scales)
        {
            using IDisposable scope = NewDisposeScope();
            scale.SetTensor(TorchTensors.ToOnnx(scales[scale].Weight(), scale.Tensor!.Type));
        }
    }

    private Parameter Logarithm(Value scale, long offset, IReadOnlyList<Value> stands)
    {
        long[] shape = [.. scale.Tensor!.Shape];
        return logarithms[scale] = new($"{scale.Name}/logarithm", shape, offset, stands) { IsHelper = true, Start = OnnxTensor.Create(shape, new float[scale.Tensor.Length]) };
    }

    private Tensor ScaleOf(Value scale, GraphProgram program) => scales.TryGetValue(scale, out LearnedScale? learned) ? learned.Weight() : program.ConstantOf(copies[scale]);

    /// <summary>The nodes of the graph that runs which round to the steps of a scale.</summary>
    private IEnumerable<Node> Rounding(Value scale) => copies[scale].Uses.Select(u => u.Node).Where(n => n.Is("QuantizeLinear") || n.Domain == FakeQuantization.Domain);

    /// <summary>How many steps lie on the longer side of 0.0.</summary>
    private double Levels(Value scale) => Rounding(scale).Select(FusedQuantization.Limits).OfType<(double Least, double Greatest)>().Select(l => Math.Max(-l.Least, l.Greatest)).DefaultIfEmpty(255).Max();

    /// <summary>How many numbers of one sample a scale quantizes, as far as shapes tell.</summary>
    private double Numbers(Value scale, GraphProgram program) => Rounding(scale).Select(n => program.State.Types?.TypeOf(n.Inputs[0]!)?.AsTensor?.Shape)
        .Select(shape => shape is { } dimensions ? dimensions.Skip(1).Aggregate(1.0, (n, d) => n * (d.Size ?? 1)) : 1).DefaultIfEmpty(1).Max();
}
