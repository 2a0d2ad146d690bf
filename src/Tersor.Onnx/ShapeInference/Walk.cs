using Tersor.Onnx.Editing;
using Tersor.Onnx.Inference.Rules;

namespace Tersor.Onnx.Inference;

/// <summary>One walk over a graph and its bodies, or over the body of one function call.</summary>
internal sealed class Walk(Model model, IReadOnlyDictionary<string, long> dimensions, bool trustDeclared, Budget budget, Node? call = null, Walk? caller = null)
{
    /// <summary>Tensors up to this length are looked into: shapes, axes, indices are short.</summary>
    private const int MaxContent = 256;

    /// <summary>Functions that call functions are followed this far: the stack is finite, and no real model comes near.</summary>
    private const int MaxDepth = 64;

    private readonly Dictionary<Value, Fact> facts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Node, InferredTypes> calls = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);

    private readonly int depth = caller is null ? 0 : caller.depth + 1;

    public InferredTypes Result => new(facts, calls);

    public Budget Visits => budget;

    public void Set(Value value, Fact fact) => facts[value] = fact;

    public Fact Get(Value? value)
    {
        if (value is null)
            return default;
        if (facts.TryGetValue(value, out Fact known))
            return known;
        Fact fact = value.Constant is { } constant ? OfConstant(constant)
            : value.SparseInitializer is { } sparse ? Fact.Tensor(sparse.Values.Type, [.. sparse.Shape.Select(s => (Dimension)s)])
            : value.Producer is null ? new(Substitute(value.Type)) : default;
        return facts[value] = fact;
    }

    /// <summary>An attribute of a node, that of the caller where the node stands in a function and refers to it.</summary>
    public NodeAttribute? Resolve(Node node, string name)
    {
        NodeAttribute? attribute = node.Attributes.GetValueOrDefault(name);
        if (attribute is not NodeAttribute.Reference reference)
            return attribute;
        if (call is null || caller is null)
            return null;
        return caller.Resolve(call, reference.Name) ?? node.Graph.Function?.DefaultAttributes.GetValueOrDefault(reference.Name);
    }

    public void Run(Graph graph)
    {
        foreach (Value initializer in graph.Initializers)
            Get(initializer);
        IEnumerable<Node> nodes;
        try
        {
            nodes = TopologicalOrder.Of(graph) ?? graph.Nodes;
        }
        catch (OnnxException)
        {
            nodes = graph.Nodes; // a circle: what stands in it stays unknown
        }
        foreach (Node node in nodes)
        {
            budget.Spend();
            Visit(node);
        }
    }

    private void Visit(Node node)
    {
        NodeFacts context = new(this, node);
        try
        {
            if (model.FindFunction(node) is { } function)
                RunFunction(context, function);
            else if (RuleTable.Find(node) is { } rule)
                rule(context);
        }
        catch (Exception e) when (e is ArithmeticException or IndexOutOfRangeException or ArgumentException or InvalidOperationException)
        {
            context.Forget(); // the node breaks its operator's rules: nothing can be said of what it makes
        }
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i] is { } output)
                facts[output] = Combine(context.Result(i), Substitute(output.Type));
        }
    }

    /// <summary>What was inferred, completed by what is declared where the two agree.</summary>
    private Fact Combine(Fact inferred, OnnxType? declared)
    {
        if (inferred.Type is null)
            return trustDeclared ? new(declared) : new(declared is OnnxType.Tensor t ? new OnnxType.Tensor(t.ElementType, null) : declared);
        if (inferred.Type is not OnnxType.Tensor found || declared is not OnnxType.Tensor said)
            return inferred;
        ElementType element = found.ElementType == ElementType.Undefined ? said.ElementType : found.ElementType;
        Dimension[]? shape = inferred.Shape;
        if (trustDeclared && said.Shape is { } declaredShape)
        {
            if (shape is null)
                shape = [.. declaredShape];
            else if (shape.Length == declaredShape.Length)
                shape = [.. shape.Zip(declaredShape, (a, b) => a.Size is null && (b.Size is not null || a.Symbol is null) ? b : a)];
        }
        return Fact.Tensor(element, shape, inferred.Content);
    }

    public OnnxType? Substitute(OnnxType? type) => type is OnnxType.Tensor { Shape: { } shape } tensor
        ? new OnnxType.Tensor(tensor.ElementType, [.. shape.Select(Substitute)])
        : type;

    private Dimension Substitute(Dimension d) => d.Symbol is { } symbol && dimensions.TryGetValue(symbol, out long size) ? new(size)
        : d.Size < 0 ? default // some exporters write -1 for "any"
        : new(d.Size, d.Size is null && d.Symbol?.Length > 0 ? d.Symbol : null);

    private void RunFunction(NodeFacts context, Function function)
    {
        if (budget.IsSpent || depth >= MaxDepth)
            return;
        Walk inner = new(model, dimensions, trustDeclared, budget, context.Node, this);
        for (int i = 0; i < function.Body.Inputs.Count; i++)
            inner.Set(function.Body.Inputs[i], Get(context.Node.Input(i)));
        inner.Run(function.Body);
        for (int i = 0; i < Math.Min(function.Body.Outputs.Count, context.Node.Outputs.Count); i++)
            context.Set(i, inner.Get(function.Body.Outputs[i]));
        calls[context.Node] = inner.Result;
    }

    public static Fact OfConstant(Tensor tensor) => Fact.Tensor(tensor.Type, [.. tensor.Shape.Select(s => (Dimension)s)],
        tensor.Length <= MaxContent && (tensor.Type.IsInteger() || tensor.Type == ElementType.Bool) && tensor.Type != ElementType.UInt64 ? [.. tensor.ToInt64s().Select(v => (Dimension)v)] : null);
}
