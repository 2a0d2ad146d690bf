namespace Tersor.Onnx.Inference;

/// <summary>What a rule sees of its node, and where it puts what follows.</summary>
internal sealed class NodeFacts(Walk walk, Node node)
{
    private readonly Fact[] results = new Fact[node.Outputs.Count];

    public Node Node => node;

    public Walk Walk => walk;

    public long Version => node.OpsetVersion;

    public int InputCount => node.Inputs.Count;

    public int OutputCount => node.Outputs.Count;

    public bool Has(int input) => node.Input(input) is not null;

    public Fact In(int input) => walk.Get(node.Input(input));

    public ElementType Element(int input) => In(input).Element;

    public Dimension[]? Shape(int input) => In(input).Shape;

    /// <summary>The elements of a small integer input, some of them perhaps unknown.</summary>
    public Dimension[]? Content(int input) => In(input).Content;

    /// <summary>The elements of a small integer input when all are known.</summary>
    public long[]? Known(int input) => Content(input) is { } content && content.All(d => d.Size is not null) ? [.. content.Select(d => d.Size!.Value)] : null;

    /// <summary>The elements of a constant float input.</summary>
    public float[]? Floats(int input) => node.Input(input)?.Constant is { Length: <= 64 } constant && constant.Type.IsFloat() ? constant.ToFloats() : null;

    public long Int(string name, long fallback) => (walk.Resolve(node, name) as NodeAttribute.Int)?.Value ?? fallback;

    public long? Int(string name) => (walk.Resolve(node, name) as NodeAttribute.Int)?.Value;

    public long[]? Ints(string name) => walk.Resolve(node, name) is NodeAttribute.Ints ints ? [.. ints.Values] : null;

    public float[]? AttributeFloats(string name) => walk.Resolve(node, name) is NodeAttribute.Floats floats ? [.. floats.Values] : null;

    public string? Text(string name) => (walk.Resolve(node, name) as NodeAttribute.String)?.Text;

    public NodeAttribute? Attribute(string name) => walk.Resolve(node, name);

    /// <summary>A parameter that is an attribute in old versions and an input in new ones: given (true) or absent (false); its values are null where they are computed.</summary>
    public bool IntsFrom(string attribute, int input, out long[]? values)
    {
        values = Has(input) ? Known(input) : Ints(attribute);
        return Has(input) || values is not null;
    }

    public void Set(int output, Fact fact)
    {
        if (output < results.Length)
            results[output] = fact;
    }

    public void Set(int output, ElementType element, Dimension[]? shape, Dimension[]? content = null) => Set(output, Fact.Tensor(element, shape, content));

    public Fact Result(int output) => results[output];

    public void Forget() => Array.Clear(results);
}
