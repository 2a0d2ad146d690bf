namespace Tersor.Onnx.Roles;

/// <summary>Decides what a constant is to each operator that reads it.</summary>
internal sealed class RoleFinder
{
    private readonly Model model;
    private readonly bool readsExternalData;
    private readonly ConstantFlow constants;
    private readonly SettingFlow settings = new();
    private readonly InputFlow inputs;
    private readonly Dictionary<(Node, int), WeightUse> arguments;

    /// <inheritdoc cref="ConstantRoles.Of(Model, bool)"/>
    public RoleFinder(Model model, bool readsExternalData)
    {
        (this.model, this.readsExternalData) = (model, readsExternalData);
        constants = new(ShapeInference.Infer(model));
        inputs = new(constants);
        // What a function does with its argument is known to the visitor of weights.
        arguments = model.Functions.Count == 0 ? [] : model.Weights().Where(u => model.FindFunction(u.Node) is not null).ToDictionary(u => (u.Node, u.InputIndex));
    }

    /// <summary>Every use of a constant.</summary>
    public IEnumerable<ConstantUse> Uses(Value constant)
    {
        foreach (ConstantFlow.Reading reading in constants.Readers(constant))
        {
            if (reading.Use is not { } use)
            {
                yield return new(constant, null, -1, ConstantRole.Output, reading.Operand.Path, null);
                continue;
            }
            WeightPlace? place = model.FindFunction(use.Node) is not null ? arguments.TryGetValue((use.Node, use.Index), out WeightUse? argument) ? new(argument.Role, argument.OperandOutputChannelAxis) : null
                : WeightPlace.Of(use.Node, use.Index, reading.Operand);
            yield return new(constant, use.Node, use.Index, Role(use, reading, place), reading.Operand.Path, reading.Operand.ToStored(place?.OutputAxis));
        }
    }

    private ConstantRole Role(Use use, ConstantFlow.Reading reading, WeightPlace? place)
    {
        (Node node, int index) = use;
        ConstantOperand operand = reading.Operand;
        if (place?.Role is WeightRole.QuantizationScale or WeightRole.ZeroPoint)
            return ConstantRole.QuantizationParameter;
        if (place?.Role is WeightRole.Quantized)
            return ConstantRole.QuantizedWeight;
        if (SettingFlow.IsSetting(node, index) || settings.IsOnlySetting(node))
            return ConstantRole.Setting;
        bool isRead = readsExternalData || !operand.Constant.Tensor!.IsExternal;
        if (isRead && MaskRules.IsMask(node, index, operand, constants))
            return ConstantRole.Mask;
        if (inputs.IsPreparedBy(node, index, operand))
            return ConstantRole.Preprocessing;
        if (isRead && IsUnit(node, index, operand))
            return ConstantRole.Unit;
        ConstantRole role = OfPlace(node, index, operand, place);
        if (isRead && role is ConstantRole.Weight or ConstantRole.ScaleOrShift or ConstantRole.Bias && FixedNumbers.IsPartOfFormula(node, index, operand))
            return ConstantRole.Coefficient;
        if (!reading.Moved && ConstantRoles.IsTrained(role))
        {
            if (IsStep(operand))
                return ConstantRole.QuantizationParameter;
            if (operand.Constant.Tensor!.Length == 1)
                return ConstantRole.Coefficient;
        }
        if (operand.Type.IsInteger() && role == ConstantRole.Weight)
            return ConstantRole.QuantizedWeight;
        // Rows that were looked up once and for all: positions, distances.
        return role is ConstantRole.ScaleOrShift or ConstantRole.Token or ConstantRole.Operand && operand.Path.Any(n => n.Is("Gather")) ? ConstantRole.Table : role;
    }

    private ConstantRole OfPlace(Node node, int index, ConstantOperand operand, WeightPlace? place) => place?.Role switch
    {
        // Behind the product of two activations: scores of attention.
        WeightRole.Bias when node.Is("Add") && node.Input(1 - index)?.Producer is { } product && !product.Inputs.OfType<Value>().Any(constants.IsConstant) => ConstantRole.ScaleOrShift,
        // One number for all the channels of a product keeps a logarithm or a root from zero.
        WeightRole.Bias when node.Is("Add") && operand.Constant.Tensor!.Length == 1 && Channels(node.Input(1 - index)) is not 1 => ConstantRole.Coefficient,
        WeightRole.Weight => ConstantRole.Weight,
        WeightRole.Bias => ConstantRole.Bias,
        WeightRole.NormalizationScale => ConstantRole.NormalizationScale,
        WeightRole.NormalizationOffset => ConstantRole.NormalizationShift,
        WeightRole.Statistics => ConstantRole.Statistic,
        WeightRole.RecurrentInputWeight or WeightRole.RecurrentStateWeight or WeightRole.RecurrentPeephole => ConstantRole.RecurrentWeight,
        WeightRole.EmbeddingTable => ConstantRole.Table,
        WeightRole.Slope => ConstantRole.Slope,
        WeightRole.Elementwise => node.Is("Add", "Sub", "Mul") && operand.Constant.Tensor!.Length > 1 ? ConstantRole.ScaleOrShift : ConstantRole.Coefficient,
        _ when node.Is("Concat", "Where", "ScatterND", "ScatterElements") && operand.Type.IsFloat() => ConstantRole.Token,
        _ when node.Is("LSTM", "GRU", "RNN") && index is 5 or 6 || node.Is("Loop") && index > 1 || node.Is("Scan") => ConstantRole.InitialState,
        _ when operand.Constant.Tensor!.Length == 1 => ConstantRole.Coefficient,
        _ => ConstantRole.Operand,
    };

    /// <summary>How many output channels the layer has that makes a value; null where that is not known.</summary>
    private static long? Channels(Value? value)
    {
        if (value?.Producer is not { } layer)
            return null;
        for (int i = 0; i < layer.Inputs.Count; i++)
        {
            if (layer.Inputs[i]?.Tensor is { } tensor && WeightPlace.Of(layer, i, new(layer.Inputs[i]!, [], tensor.Shape, [.. Enumerable.Range(0, tensor.Rank)])) is { Role: WeightRole.Weight } place)
                return place.OutputAxis is { } axis ? tensor.Shape[axis] : null;
        }
        return null;
    }

    /// <summary>What integers are multiplied by where they stand for a weight.</summary>
    private static bool IsStep(ConstantOperand operand) => operand.Type.IsFloat() && operand.Path.Any(n => n.Is("Mul", "Sub", "Add", "Div") && n.Inputs.Any(i => i?.Producer is { } cast && cast.Is("Cast") && cast.Input(0)?.Type?.AsTensor?.ElementType.IsInteger() == true));

    /// <summary>An instance normalization between two Reshapes is a group normalization; its own scale and shift come behind it.</summary>
    /// <remarks>Source: torch/onnx/symbolic_opset9.py, "group_norm", of PyTorch.</remarks>
    private static bool IsUnit(Node node, int index, ConstantOperand operand) => node.Is("InstanceNormalization") && node.Input(0)?.Producer?.Is("Reshape") == true
        && node.Output(0) is { IsGraphOutput: false, Uses: [{ Node: var next }] } && next.Is("Reshape") && operand.Constant.Tensor!.ToFloats().All(v => v == (index == 1 ? 1 : 0));
}
