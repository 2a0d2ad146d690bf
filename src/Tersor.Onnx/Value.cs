using System.Diagnostics;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx;

/// <summary>One place a value is read: input <paramref name="Index"/> of <paramref name="Node"/>, which may stand in a nested body.</summary>
public readonly record struct Use(Node Node, int Index);

/// <summary>A value of a graph: a graph input, a node's output, or an initializer.</summary>
/// <remarks>It knows who makes it and who reads it; replacing all its uses is one call. Not thread-safe.</remarks>
[DebuggerDisplay("{Name,nq}: {Type}")]
public sealed class Value
{
    private readonly List<Use> uses = [];

    internal Value(Graph graph, string name)
    {
        Graph = graph;
        Name = name;
    }

    /// <summary>The graph whose scope it belongs to; bodies nested in that graph may read it too.</summary>
    public Graph Graph { get; internal set; }

    /// <summary>Its name in the file, unique among the values made by this library.</summary>
    public string Name { get; private set; }

    /// <summary>The declared type, or that of the constant; null when the file says nothing.</summary>
    public OnnxType? Type
    {
        get => field ?? (Tensor is { } tensor ? OnnxType.Of(tensor) : null);
        set;
    }

    /// <summary>The node that makes it; null for a graph input or an initializer.</summary>
    public Node? Producer { get; internal set; }

    /// <summary>Which of the producer's outputs it is.</summary>
    public int ProducerIndex { get; internal set; }

    /// <summary>Every node input that reads it, nested bodies included. Graph outputs are apart: <see cref="IsGraphOutput"/>.</summary>
    public IReadOnlyList<Use> Uses => uses;

    /// <summary>True when it is an input of its graph. An initializer that is one too can be overridden by the caller.</summary>
    public bool IsGraphInput { get; internal set; }

    /// <summary>How many outputs of its own or a nested graph it is.</summary>
    internal int OutputUses { get; set; }

    /// <summary>True when a graph gives it out.</summary>
    public bool IsGraphOutput => OutputUses > 0;

    /// <summary>True when neither a node nor a graph output reads it.</summary>
    public bool IsUnused => uses.Count == 0 && OutputUses == 0;

    /// <summary>True for an initializer, overridable or not.</summary>
    public bool IsInitializer => Initializer is not null || SparseInitializer is not null;

    /// <summary>True for an initializer that a caller may override by feeding the graph input of its name (files of IR version 4 and up only).</summary>
    public bool IsOverridable => IsInitializer && IsGraphInput && Graph.Model.IrVersion >= 4;

    /// <summary>What it holds where that is known: the initializer's or the Constant node's tensor (an overridable initializer's default).</summary>
    public Tensor? Tensor => Initializer ?? (Producer is { } node && node.Is("Constant") ? ConstantNode.Tensor(node) : null);

    /// <summary>What it always holds: <see cref="Tensor"/>, unless a caller may override it.</summary>
    public Tensor? Constant => IsOverridable ? null : Tensor;

    /// <summary>The sparse initializer, where it is one.</summary>
    public SparseTensor? SparseInitializer { get; internal set; }

    /// <summary>What later passes and training must keep about this weight.</summary>
    public IList<Constraint> Constraints { get; } = [];

    internal Tensor? Initializer { get; set; }

    /// <summary>What the file says beyond name and type: comments, metadata, fields unknown to this library.</summary>
    internal ValueInfoProto? Rest { get; set; }

    /// <summary>The same for the initializer's tensor.</summary>
    internal TensorProto? TensorRest { get; set; }

    /// <summary>Replaces the constant, wherever it stands: initializer or Constant node. The declared type follows.</summary>
    /// <exception cref="InvalidOperationException">Not a constant.</exception>
    public void SetTensor(Tensor tensor)
    {
        if (Initializer is not null)
            Initializer = tensor;
        else if (Tensor is not null)
            ConstantNode.SetTensor(Producer!, tensor);
        else
            throw new InvalidOperationException($"'{Name}' is not a constant.");
        Type = IsGraphInput || IsGraphOutput ? OnnxType.Of(tensor) : null;
    }

    /// <summary>Lets everything that reads this value read <paramref name="other"/> instead: nodes, nested bodies, graph outputs.</summary>
    /// <remarks>A model's output keeps its name and declared type: the other value takes them over, or an Identity node carries them where it cannot.</remarks>
    public void ReplaceAllUsesWith(Value other)
    {
        if (ReferenceEquals(this, other))
            return;
        foreach (Use use in uses.ToArray())
            use.Node.SetInput(use.Index, other);
        if (OutputUses > 0)
        {
            foreach (Graph graph in Graph.WithNested())
            {
                for (int i = 0; i < graph.Outputs.Count; i++)
                {
                    if (ReferenceEquals(graph.Outputs[i], this))
                        graph.SetOutput(i, other);
                }
            }
        }
    }

    /// <summary>Gives it another name, made unique if it is taken.</summary>
    public void Rename(string name) => Name = Graph.Model.NewName(name);

    internal void SwapNames(Value other) => (Name, other.Name) = (other.Name, Name);

    internal void AddUse(Use use) => uses.Add(use);

    internal void RemoveUse(Use use) => uses.Remove(use);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
