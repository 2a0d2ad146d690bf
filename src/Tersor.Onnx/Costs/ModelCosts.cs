using Tersor.Onnx.Costs;

namespace Tersor.Onnx;

/// <summary>Multiply-accumulates, parameters and bytes moved, for every node and in total, from shapes alone.</summary>
/// <remarks>
/// <para>A MAC is one multiplication whose product is added to a sum, in the linear operators. Biases, activations, normalization, pooling and other
/// elementwise work count nothing, as is usual in the literature.</para>
/// <list type="table">
/// <item><term>Conv, ConvInteger, QLinearConv, DeformConv</term><description>output elements × input channels of one group × kernel size. A depthwise convolution so has output elements × kernel size.</description></item>
/// <item><term>ConvTranspose</term><description>input elements × output channels of one group × kernel size.</description></item>
/// <item><term>Gemm, MatMul and its relatives</term><description>output elements × inner dimension.</description></item>
/// <item><term>Einsum</term><description>the product of all label sizes, once for every operand beyond the first.</description></item>
/// <item><term>RNN, LSTM, GRU</term><description>steps × batch × elements of the input and recurrence weights, both directions included; peephole weights are elementwise.</description></item>
/// <item><term>Attention</term><description>batch × heads × queries × keys × (width of a key + width of a value); projections are nodes of their own.</description></item>
/// <item><term>If</term><description>the costlier branch.</description></item>
/// <item><term>Loop, Scan</term><description>the body × the number of rounds, unknown where that is.</description></item>
/// <item><term>a model-local function</term><description>the sum over its body for this call.</description></item>
/// </list>
/// <para>Parameters are the elements of constants that nodes read: initializers and Constant nodes, but not those of type Int64, bool or string, which are shapes, axes and conditions.</para>
/// </remarks>
public sealed class ModelCosts
{
    private ModelCosts(IReadOnlyList<NodeCost> nodes, long knownMacs, int unknownNodes, long parameters, long parameterBytes) =>
        (Nodes, KnownMacs, UnknownNodes, Parameters, ParameterBytes) = (nodes, knownMacs, unknownNodes, parameters, parameterBytes);

    /// <summary>Every node of the main graph and of nested bodies, a node before what its bodies hold; those of a body cost what one round costs.</summary>
    public IReadOnlyList<NodeCost> Nodes { get; }

    /// <summary>MACs of one inference; null when those of some node are unknown.</summary>
    public long? Macs => UnknownNodes == 0 ? KnownMacs : null;

    /// <summary>MACs of the main graph's nodes whose number is known.</summary>
    public long KnownMacs { get; }

    /// <summary>How many nodes of the main graph have MACs whose number is unknown.</summary>
    public int UnknownNodes { get; }

    /// <summary>Elements of all parameters, shared ones once, those in bodies and functions included.</summary>
    public long Parameters { get; }

    /// <summary>Bytes of all parameters, shared ones once.</summary>
    public long ParameterBytes { get; }

    /// <summary>Works out the costs of a model from what was inferred of its values.</summary>
    public static ModelCosts Of(Model model, InferredTypes types)
    {
        List<NodeCost> nodes = [];
        foreach (Graph graph in model.Graph.WithNested())
        {
            foreach (Node node in graph.Nodes)
            {
                Tensor[] read = [.. node.Inputs.Where(IsParameter).Select(v => v!.Tensor!)];
                nodes.Add(new(node, MacCount.Of(node, types), read.Sum(t => t.Length), read.Sum(t => t.ByteLength), ActivationBytes(node, types)));
            }
        }
        long known = 0;
        int unknown = 0;
        foreach (NodeCost cost in nodes.Where(c => ReferenceEquals(c.Node.Graph, model.Graph)))
        {
            if (cost.Macs is { } macs)
                known = long.MaxValue - known < macs ? long.MaxValue : known + macs;
            else
                unknown++;
        }
        HashSet<Value> weights = new(model.AllNodes().SelectMany(n => n.Inputs).Where(IsParameter)!, ReferenceEqualityComparer.Instance);
        return new(nodes, known, unknown, weights.Sum(w => w.Tensor!.Length), weights.Sum(w => w.Tensor!.ByteLength));
    }

    private static bool IsParameter(Value? value) => value?.Tensor is { Type: not (ElementType.Int64 or ElementType.Bool or ElementType.String) };

    private static long? ActivationBytes(Node node, InferredTypes types)
    {
        if (node.Is("Constant"))
            return 0;
        Int128 sum = 0;
        foreach (Value? value in node.Inputs.Where(v => v is { Tensor: null, SparseInitializer: null }).Concat(node.Outputs))
        {
            if (value is null)
                continue;
            if (types.TensorTypeOf(value) is not { } type || type.ElementType.Bits() == 0 || MacCount.Elements(type.FixedShape) is not { } count)
                return null;
            sum += ((Int128)count * type.ElementType.Bits() + 7) / 8;
        }
        return sum <= long.MaxValue ? (long)sum : null;
    }
}
