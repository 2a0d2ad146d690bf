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
        get => DeclaredType ?? (Tensor is { } tensor ? OnnxType.Of(tensor) : null);
        set => DeclaredType = value;
    }

    /// <summary>The type the file or an edit states, apart from what the constant itself says.</summary>
    internal OnnxType? DeclaredType { get; private set; }

    /// <summary>The node that makes it; null for a graph input or an initializer.</summary>
    public Node? Producer { get; internal set; }

    /// <summary>Which of the producer's outputs it is.</summary>
    public int ProducerIndex { get; internal set; }

    /// <summary>Every node input that reads it, nested bodies included, in no particular order. Graph outputs are apart: <see cref="IsGraphOutput"/>.</summary>
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

    /// <summary>Its place among its graph's initializers.</summary>
    internal LinkedListNode<Value>? InitializerPlace { get; set; }

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
    /// <param name="other">A value that all those readers can see.</param>
    /// <param name="except">A node that goes on reading this one: the new node behind it, usually the maker of <paramref name="other"/>.</param>
    /// <remarks>A model's output keeps its name and declared type: the other value takes them over, or an Identity node carries them where it cannot.</remarks>
    /// <exception cref="InvalidOperationException">It is an input that the model gives out unchanged, so that another value cannot take its name.</exception>
    public void ReplaceAllUsesWith(Value other, Node? except = null)
    {
        if (ReferenceEquals(this, other))
            return;
        Graph[] givers = OutputUses == 0 ? [] : [.. Graph.WithNested().Where(g => g.Outputs.Contains(this))];
        if (givers.Any(g => g.IsMain) && IsGraphInput)
            throw new InvalidOperationException($"'{Name}' is an input that the model gives out as it is; nothing else can be given out under its name.");
        foreach (Use use in uses.ToArray())
        {
            if (!ReferenceEquals(use.Node, except))
                use.Node.SetInput(use.Index, other);
        }
        foreach (Graph graph in givers)
        {
            for (int i = 0; i < graph.Outputs.Count; i++)
            {
                if (ReferenceEquals(graph.Outputs[i], this))
                    graph.SetOutput(i, other);
            }
        }
    }

    /// <summary>Gives it another name, made unique if it is taken.</summary>
    public void Rename(string name)
    {
        if (name != Name)
            Name = Graph.Model.NewName(name);
    }

    /// <summary>Gives it a name no other value has, because its own means something else where it stands.</summary>
    internal void MakeNameUnique() => Name = Graph.Model.NewName(Name);

    /// <summary>Takes a name the caller knows to be free or has reserved for it.</summary>
    internal void TakeName(string name)
    {
        Graph.Model.ReserveName(name);
        Name = name;
    }

    internal void SwapNames(Value other) => (Name, other.Name) = (other.Name, Name);

    /// <summary>Notes a reader; gives the place to hand back to <see cref="RemoveUse"/>.</summary>
    internal int AddUse(Use use)
    {
        uses.Add(use);
        return uses.Count - 1;
    }

    /// <summary>Forgets the reader at a place; the last one moves there, so that many readers do not make this slow.</summary>
    internal void RemoveUse(int place)
    {
        Use last = uses[^1];
        uses[place] = last;
        uses.RemoveAt(uses.Count - 1);
        last.Node.UseMoved(last.Index, place);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
