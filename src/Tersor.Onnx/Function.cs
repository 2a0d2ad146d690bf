using Tersor.Onnx.Protos;

namespace Tersor.Onnx;

/// <summary>A model-local function: an operator defined by a graph.</summary>
public sealed class Function
{
    internal Function(Model model, string domain, string name, string overload)
    {
        (Domain, Name, Overload) = (domain, name, overload);
        Body = new(model, name, this);
    }

    /// <summary>The domain its callers name.</summary>
    public string Domain { get; }

    /// <summary>The operator name its callers use.</summary>
    public string Name { get; }

    /// <summary>Distinguishes functions of one name; usually empty.</summary>
    public string Overload { get; }

    /// <summary>The definition. Its inputs and outputs are the function's, by position.</summary>
    public Graph Body { get; }

    /// <summary>Attributes a caller must give.</summary>
    public IList<string> RequiredAttributes { get; } = [];

    /// <summary>Attributes a caller may give, with the values they have otherwise.</summary>
    public OrderedDictionary<string, NodeAttribute> DefaultAttributes { get; } = [];

    /// <summary>Operator set versions its body is written in, by domain.</summary>
    public SortedDictionary<string, long> OpsetImports { get; } = new(StringComparer.Ordinal);

    internal FunctionProto? Rest { get; set; }
}
