namespace Tersor.Onnx;

/// <summary>Copies graphs: whole models, bodies, function bodies into their callers. Tensors are shared.</summary>
internal sealed class ModelCloner
{
    private readonly Dictionary<Value, Value> copies = new(ReferenceEqualityComparer.Instance);
    private readonly bool keepNames;
    private readonly Func<NodeAttribute, NodeAttribute?>? resolve;
    private readonly HashSet<Value> absent = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);

    /// <param name="keepNames">Copies keep their names: for a copy into a model of its own. Otherwise names are made unique.</param>
    /// <param name="resolve">What stands for an attribute in the copy (references to a function's attributes); null drops it.</param>
    public ModelCloner(bool keepNames, Func<NodeAttribute, NodeAttribute?>? resolve = null) => (this.keepNames, this.resolve) = (keepNames, resolve);

    public static Model Clone(Model source, out IReadOnlyDictionary<Value, Value> copies)
    {
        Model copy = new(source.Opset, source.IrVersion, source.Graph.Name)
        {
            ProducerName = source.ProducerName,
            ProducerVersion = source.ProducerVersion,
            Rest = source.Rest,
        };
        copy.OpsetImports.Clear();
        foreach ((string domain, long version) in source.OpsetImports)
            copy.OpsetImports[domain] = version;
        foreach ((string key, string value) in source.Metadata)
            copy.Metadata[key] = value;
        ModelCloner cloner = new(keepNames: true);
        cloner.CopyInto(source.Graph, copy.Graph);
        foreach (Function function in source.Functions)
            copy.Functions.Add(cloner.CopyOf(function, copy));
        copies = cloner.copies;
        return copy;
    }

    /// <summary>A function for another model.</summary>
    public static Function CopyFunction(Function source, Model target) => new ModelCloner(keepNames: true).CopyOf(source, target);

    private Function CopyOf(Function function, Model target)
    {
        Function twin = new(target, function.Domain, function.Name, function.Overload) { Rest = function.Rest };
        foreach (string name in function.RequiredAttributes)
            twin.RequiredAttributes.Add(name);
        foreach ((string domain, long version) in function.OpsetImports)
            twin.OpsetImports[domain] = version;
        foreach ((string name, NodeAttribute value) in function.DefaultAttributes)
            twin.DefaultAttributes[name] = Copy(value, twin.Body)!;
        CopyInto(function.Body, twin.Body);
        return twin;
    }

    /// <summary>Says which existing value stands for a source value in the copy.</summary>
    public void Map(Value source, Value copy) => copies[source] = copy;

    /// <summary>Says that nothing stands for a source value: what reads it leaves that input out.</summary>
    public void MapToNothing(Value source) => absent.Add(source);

    /// <summary>The value that stands for <paramref name="value"/>: its copy, or itself when it was not copied (an outer value).</summary>
    public Value Mapped(Value value) => copies.GetValueOrDefault(value, value);

    /// <summary>Copies a whole graph: inputs, initializers, nodes, outputs.</summary>
    public void CopyInto(Graph source, Graph target)
    {
        target.Rest = source.Rest;
        foreach (Value input in source.Inputs)
            target.AttachInput(NewValue(input, target));
        CopyContents(source, target, before: null);
        foreach (Value output in source.Outputs)
            target.AddOutput(Mapped(output));
    }

    /// <summary>Copies initializers and nodes; the graph inputs must be mapped already.</summary>
    public void CopyContents(Graph source, Graph target, Node? before)
    {
        foreach (Value initializer in source.Initializers)
        {
            Value copy = copies.TryGetValue(initializer, out Value? known) ? known : NewValue(initializer, target);
            copy.TensorRest = initializer.TensorRest;
            foreach (Constraint constraint in initializer.Constraints)
                copy.Constraints.Add(constraint);
            if (initializer.Initializer is { } dense)
                target.AttachInitializer(copy, dense);
            else
                target.AttachInitializer(copy, initializer.SparseInitializer!);
        }
        CopyNodes(source, target, before);
    }

    /// <summary>Copies the nodes; graph inputs and initializers must be mapped already.</summary>
    public void CopyNodes(Graph source, Graph target, Node? before)
    {
        // Two rounds, because a graph under edit may list a reader before its producer.
        List<(Node Source, Node Copy)> pairs = [];
        foreach (Node node in source.Nodes)
        {
            Node copy = new(target, node.OpType, node.Domain, keepNames || node.Name.Length == 0 ? node.Name : target.Model.NewName(node.Name)) { Overload = node.Overload, Rest = node.Rest };
            if (keepNames)
                target.Model.ReserveName(node.Name);
            foreach (Value? output in node.Outputs)
                copy.AttachOutput(output is null ? null : NewValue(output, target));
            target.Link(copy, before);
            pairs.Add((node, copy));
        }
        foreach ((Node node, Node copy) in pairs)
        {
            foreach (Value? input in node.Inputs)
                copy.AddInput(input is null || absent.Contains(input) ? null : Mapped(input));
            foreach ((string name, NodeAttribute value) in node.Attributes)
            {
                if (Copy(value, target) is { } attribute)
                    copy.SetAttribute(name, attribute);
            }
        }
    }

    private NodeAttribute? Copy(NodeAttribute attribute, Graph parent) => (resolve is null ? attribute : resolve(attribute)) switch
    {
        NodeAttribute.Body body => new NodeAttribute.Body(CopyBody(body.Value, parent)) { Rest = body.Rest },
        NodeAttribute.Bodies bodies => new NodeAttribute.Bodies([.. bodies.Values.Select(g => CopyBody(g, parent))]) { Rest = bodies.Rest },
        var plain => plain,
    };

    private Graph CopyBody(Graph body, Graph parent)
    {
        Graph copy = parent.NewBody(body.Name);
        CopyInto(body, copy);
        return copy;
    }

    private Value NewValue(Value source, Graph target)
    {
        Value copy;
        if (keepNames)
        {
            copy = new(target, source.Name) { Rest = source.Rest };
            target.Model.ReserveName(source.Name);
        }
        else
        {
            copy = target.NewValue(source.Name, null);
        }
        copy.Type = source.DeclaredType;
        foreach (Constraint constraint in source.IsInitializer ? [] : source.Constraints)
            copy.Constraints.Add(constraint);
        copies[source] = copy;
        return copy;
    }
}
