using System.Text;
using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Compares what two models say, not how their files spell it: names inside, order of fields and storage of tensors do not count.</summary>
public static class GraphComparer
{
    private const int MaxDifferences = 20;

    /// <summary>What differs, in words; empty when the models are the same graph. Nodes are compared in order.</summary>
    public static IReadOnlyList<string> Differences(Model a, Model b)
    {
        Comparison comparison = new();
        comparison.Text("ir_version", a.IrVersion, b.IrVersion);
        comparison.Text("operator sets", Describe(a.OpsetImports), Describe(b.OpsetImports));
        comparison.Text("producer", $"{a.ProducerName} {a.ProducerVersion}", $"{b.ProducerName} {b.ProducerVersion}");
        comparison.Text("metadata", Describe(a.Metadata), Describe(b.Metadata));
        comparison.Graphs("main", a.Graph, b.Graph);
        comparison.Text("number of functions", a.Functions.Count, b.Functions.Count);
        foreach ((Function left, Function right) in a.Functions.Zip(b.Functions))
        {
            string where = $"function {left.Name}";
            comparison.Text($"name of {where}", $"{left.Domain}.{left.Name}:{left.Overload}", $"{right.Domain}.{right.Name}:{right.Overload}");
            comparison.Text($"operator sets of {where}", Describe(left.OpsetImports), Describe(right.OpsetImports));
            comparison.Text($"attributes of {where}", string.Join(',', left.RequiredAttributes), string.Join(',', right.RequiredAttributes));
            comparison.Attributes(where, left.DefaultAttributes, right.DefaultAttributes);
            comparison.Graphs(where, left.Body, right.Body);
        }
        return comparison.Found;
    }

    private static string Describe<T>(IEnumerable<KeyValuePair<string, T>> pairs) => string.Join(';', pairs.Select(p => $"{p.Key}={p.Value}"));

    private sealed class Comparison
    {
        private readonly Dictionary<Value, Value> partners = new(ReferenceEqualityComparer.Instance);

        public List<string> Found { get; } = [];

        public void Text<T>(string what, T a, T b)
        {
            if (!Equals(a, b) && Found.Count < MaxDifferences)
                Found.Add($"{what}: '{a}' against '{b}'");
        }

        public void Graphs(string where, Graph a, Graph b)
        {
            Values($"inputs of {where}", a.Inputs, b.Inputs, a.IsMain);
            Text($"number of initializers of {where}", a.Initializers.Count, b.Initializers.Count);
            foreach ((Value left, Value right) in a.Initializers.Zip(b.Initializers))
            {
                partners[left] = right;
                Text($"constraints of '{left.Name}'", string.Join(',', left.Constraints), string.Join(',', right.Constraints));
                Constants($"initializer '{left.Name}' of {where}", left, right);
            }
            Text($"number of nodes of {where}", a.NodeCount, b.NodeCount);
            foreach ((Node left, Node right) in a.Nodes.Zip(b.Nodes))
                Nodes($"{where}, {left}", left, right);
            Values($"outputs of {where}", a.Outputs, b.Outputs, a.IsMain);
        }

        public void Attributes(string where, IReadOnlyDictionary<string, NodeAttribute> a, IReadOnlyDictionary<string, NodeAttribute> b)
        {
            Text($"attribute names of {where}", string.Join(',', a.Keys.Order()), string.Join(',', b.Keys.Order()));
            foreach ((string name, NodeAttribute left) in a)
            {
                if (b.TryGetValue(name, out NodeAttribute? right))
                    One($"attribute '{name}' of {where}", left, right);
            }
        }

        private void Nodes(string where, Node a, Node b)
        {
            Text($"operator of {where}", $"{a.Domain}.{a.OpType}:{a.Overload}", $"{b.Domain}.{b.OpType}:{b.Overload}");
            Text($"number of inputs of {where}", a.Inputs.Count, b.Inputs.Count);
            foreach ((Value? left, Value? right) in a.Inputs.Zip(b.Inputs))
            {
                if (left is null != right is null || (left is not null && !ReferenceEquals(partners.GetValueOrDefault(left), right)))
                    Text($"what {where} reads", left?.Name, $"{right?.Name} (another value)");
            }
            Attributes(where, a.Attributes, b.Attributes);
            Text($"number of outputs of {where}", a.Outputs.Count, b.Outputs.Count);
            foreach ((Value? left, Value? right) in a.Outputs.Zip(b.Outputs))
            {
                Text($"an output of {where} is left out", left is null, right is null);
                if (left is null || right is null)
                    continue;
                partners[left] = right;
                Text($"type of '{left.Name}'", left.Type, right.Type);
            }
        }

        private void Values(string where, IReadOnlyList<Value> a, IReadOnlyList<Value> b, bool names)
        {
            Text($"number of {where}", a.Count, b.Count);
            foreach ((Value left, Value right) in a.Zip(b))
            {
                if (names)
                    Text($"names of {where}", left.Name, right.Name);
                Text($"type of '{left.Name}'", left.Type, right.Type);
                if (!partners.TryAdd(left, right) && !ReferenceEquals(partners[left], right))
                    Text(where, left.Name, $"{right.Name} (another value)");
            }
        }

        private void Constants(string where, Value a, Value b)
        {
            if (a.SparseInitializer is { } left && b.SparseInitializer is { } right)
                Sparse(where, left, right);
            else if (a.Tensor is { } x && b.Tensor is { } y)
                Tensors(where, x, y);
            else
                Text($"sparseness of {where}", a.SparseInitializer is null, b.SparseInitializer is null);
        }

        private void Tensors(string where, Tensor a, Tensor b)
        {
            if (!a.ContentEquals(b))
                Text(where, a.ToString(), $"{b} (other content)");
        }

        private void Sparse(string where, SparseTensor a, SparseTensor b)
        {
            Tensors($"values of {where}", a.Values, b.Values);
            Tensors($"indices of {where}", a.Indices, b.Indices);
            Text($"shape of {where}", string.Join(',', a.Shape), string.Join(',', b.Shape));
        }

        private void One(string where, NodeAttribute a, NodeAttribute b)
        {
            switch (a, b)
            {
                case (NodeAttribute.Body left, NodeAttribute.Body right):
                    Graphs(where, left.Value, right.Value);
                    break;
                case (NodeAttribute.Bodies left, NodeAttribute.Bodies right):
                    foreach ((Graph x, Graph y) in left.Values.Zip(right.Values))
                        Graphs(where, x, y);
                    Text($"bodies of {where}", left.Values.Length, right.Values.Length);
                    break;
                case (NodeAttribute.TensorValue left, NodeAttribute.TensorValue right):
                    Tensors(where, left.Value, right.Value);
                    break;
                case (NodeAttribute.Tensors left, NodeAttribute.Tensors right):
                    foreach ((Tensor x, Tensor y) in left.Values.Zip(right.Values))
                        Tensors(where, x, y);
                    Text($"tensors of {where}", left.Values.Length, right.Values.Length);
                    break;
                case (NodeAttribute.Sparse left, NodeAttribute.Sparse right):
                    Sparse(where, left.Value, right.Value);
                    break;
                case (NodeAttribute.Sparses left, NodeAttribute.Sparses right):
                    foreach ((SparseTensor x, SparseTensor y) in left.Values.Zip(right.Values))
                        Sparse(where, x, y);
                    Text($"sparse tensors of {where}", left.Values.Length, right.Values.Length);
                    break;
                default:
                    Text(where, Describe(a), Describe(b));
                    break;
            }
        }

        /// <summary>Floats by their bits, so that NaN equals itself and 0 differs from -0.</summary>
        private static string Describe(NodeAttribute attribute) => attribute switch
        {
            NodeAttribute.Float x => $"float {BitConverter.SingleToInt32Bits(x.Value)}",
            NodeAttribute.Int x => $"int {x.Value}",
            NodeAttribute.String x => $"string {Convert.ToHexString(x.Bytes.Span)}",
            NodeAttribute.TypeValue x => $"type {x.Value}",
            NodeAttribute.Floats x => $"floats {string.Join(',', x.Values.Select(BitConverter.SingleToInt32Bits))}",
            NodeAttribute.Ints x => $"ints {string.Join(',', x.Values)}",
            NodeAttribute.Strings x => $"strings {string.Join(',', x.Values.Select(s => Convert.ToHexString(s.Span)))}",
            NodeAttribute.Types x => $"types {string.Join(',', x.Values)}",
            NodeAttribute.Reference x => $"reference {x.Name} {x.Kind}",
            _ => new StringBuilder(attribute.GetType().Name).Append(" against another kind").ToString(),
        };
    }
}
