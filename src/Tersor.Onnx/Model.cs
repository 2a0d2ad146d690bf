using Tersor.Onnx.Protos;

namespace Tersor.Onnx;

/// <summary>An ONNX model: a main graph, the functions it calls, the operator sets it is written in, metadata. Not thread-safe.</summary>
public sealed class Model
{
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> lastNumbers = new(StringComparer.Ordinal); // of each hint, so that many equal hints stay fast

    /// <summary>An empty model.</summary>
    /// <param name="opset">Version of ONNX's own operator set, 1 or more.</param>
    /// <param name="irVersion">Version of the file format.</param>
    /// <param name="graphName">Name of the main graph.</param>
    public Model(long opset = 21, long irVersion = 10, string graphName = "main")
    {
        IrVersion = irVersion;
        OpsetImports[""] = opset;
        Graph = new(this, graphName);
    }

    /// <summary>Version of the file format (ir_version).</summary>
    public long IrVersion { get; set; }

    /// <summary>Version of each operator set in use, by domain; ONNX's own is the empty string.</summary>
    public SortedDictionary<string, long> OpsetImports { get; } = new(StringComparer.Ordinal);

    /// <summary>The tool the file came from.</summary>
    public string ProducerName { get; set; } = "";

    /// <summary>That tool's version.</summary>
    public string ProducerVersion { get; set; } = "";

    /// <summary>The owner's keys and values.</summary>
    public OrderedDictionary<string, string> Metadata { get; } = [];

    /// <summary>The main graph.</summary>
    public Graph Graph { get; }

    /// <summary>Model-local functions.</summary>
    public IList<Function> Functions { get; } = [];

    /// <summary>Version of ONNX's own operator set in the main graph.</summary>
    public long Opset => OpsetImports.GetValueOrDefault("");

    internal ModelProto? Rest { get; set; }

    /// <summary>Every graph: the main one, every nested body, every function's body and what is nested there.</summary>
    public IEnumerable<Graph> AllGraphs() => Graph.WithNested().Concat(Functions.SelectMany(f => f.Body.WithNested()));

    /// <summary>Every node of every graph.</summary>
    public IEnumerable<Node> AllNodes() => AllGraphs().SelectMany(g => g.Nodes);

    /// <summary>Every value that may be a constant with a tensor: initializers, and outputs of Constant nodes.</summary>
    public IEnumerable<Value> AllConstants() => AllGraphs().SelectMany(g => g.Initializers.Concat(g.Nodes.Where(n => n.Is("Constant")).SelectMany(n => n.Outputs).OfType<Value>()));

    /// <summary>Bytes of all constants; one that several nodes share counts once.</summary>
    public long WeightBytes() => AllConstants().Select(v => v.Tensor).OfType<Tensor>().Distinct().Sum(t => t.ByteLength);

    /// <summary>The model-local function a node calls, or null.</summary>
    public Function? FindFunction(Node node) => Functions.Count == 0 ? null : Functions.FirstOrDefault(f =>
        f.Name == node.OpType && NormalizeDomain(f.Domain) == NormalizeDomain(node.Domain) && f.Overload == node.Overload);

    /// <summary>An independent copy. Tensors are shared, so it costs nodes, not weights.</summary>
    public Model Clone() => ModelCloner.Clone(this, out _);

    /// <summary>An independent copy, and which of its values stands for which of this model's.</summary>
    public Model Clone(out IReadOnlyDictionary<Value, Value> copies) => ModelCloner.Clone(this, out copies);

    /// <summary>A name no value or node of this model has: the hint itself, or the hint with a number.</summary>
    public string NewName(string hint)
    {
        if (hint.Length == 0)
            hint = "value";
        if (names.Add(hint))
            return hint;
        int number = lastNumbers.GetValueOrDefault(hint);
        string name;
        do
            name = $"{hint}_{++number}";
        while (!names.Add(name));
        lastNumbers[hint] = number;
        return name;
    }

    /// <summary>Takes note of a name that came from a file; it may occur in several scopes.</summary>
    internal void ReserveName(string name) => names.Add(name);

    internal static string NormalizeDomain(string domain) => domain == "ai.onnx" ? "" : domain;

    /// <summary>Reads a model file. External data is located and checked now, and read when asked for.</summary>
    /// <exception cref="OnnxException">The file is broken, hostile or not ONNX.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static Model Load(string path, ReadOptions? options = null) => Reading.ModelReader.Load(path, options ?? new());

    /// <summary>Reads a model from a stream, which has no external data.</summary>
    /// <exception cref="OnnxException">The content is broken, hostile or not ONNX.</exception>
    public static Model Load(Stream stream) => Reading.ModelReader.Load(stream);

    /// <summary>Reads the owner's keys and values of a model file, passing over the rest of it. A broken file gives those before the damage.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> LoadMetadata(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Reading.MetadataReader.Read(stream);
    }

    /// <summary>The model as the bytes of a file, all weights inside. At most 2 GB.</summary>
    public byte[] ToBytes() => Writing.ModelWriter.ToBytes(this);

    /// <summary>Writes a model file. Under its final name it is either complete or as it was before.</summary>
    /// <exception cref="OnnxException">The model cannot be stored as asked.</exception>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    public void Save(string path, WriteOptions? options = null) => Writing.ModelWriter.Save(this, path, options ?? new());
}
