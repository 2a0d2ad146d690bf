using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>How passes make constants: an initializer of the outermost graph, or a Constant node where the format has no place for initializers.</summary>
internal static class Constants
{
    /// <summary>The graph around all bodies that hold <paramref name="graph"/>: the main graph, or a function's.</summary>
    public static Graph Outermost(Graph graph)
    {
        while (graph.Parent is { } parent)
            graph = parent;
        return graph;
    }

    /// <summary>A new constant that <paramref name="reader"/> may read.</summary>
    public static Value Add(Node reader, string nameHint, Tensor tensor)
    {
        if (reader.Graph.Function is not null)
            return reader.Graph.InsertBefore(reader, "Constant", [], [nameHint], [new("value", tensor)]).Outputs[0]!;
        Graph main = Outermost(reader.Graph);
        ListOnlyRealInputs(main.Model);
        return main.AddInitializer(nameHint, tensor);
    }

    /// <summary>Gives a node another constant; whatever else reads the old one goes on reading it as it was, in whatever role.</summary>
    /// <param name="node">The reader.</param>
    /// <param name="input">Which of its inputs is the constant.</param>
    /// <param name="tensor">What it reads from now on.</param>
    public static void Replace(Node node, int input, Tensor tensor)
    {
        Value old = node.Inputs[input]!;
        if (old.Tensor is not null && Rewire.HasOneReader(old))
        {
#pragma warning disable RS0030 // This node is the only reader.
            old.SetTensor(tensor);
#pragma warning restore RS0030
            return;
        }
        Value copy = Add(node, old.Name, tensor);
        foreach (Constraint constraint in old.Constraints)
            copy.Constraints.Add(constraint);
        node.SetInput(input, copy);
    }

    /// <summary>Before IR version 4 every initializer is a graph input too, and none can be overridden. From 4 on inputs are inputs.</summary>
    /// <returns>True when the model was of an older version.</returns>
    public static bool ListOnlyRealInputs(Model model)
    {
        if (model.IrVersion >= 4)
            return false;
        foreach (Graph graph in model.AllGraphs())
        {
            foreach (Value value in graph.Inputs.Where(v => v.IsInitializer).ToArray())
            {
                graph.RemoveInput(value);
                if (!value.IsGraphOutput)
                    value.Type = null;
            }
        }
        model.IrVersion = 4;
        return true;
    }

    /// <summary>The elements of a constant list of integers, or null when the value is not constant or no integer.</summary>
    public static long[]? Integers(Value? value) => value?.Constant is { } tensor && tensor.Type.IsInteger() ? tensor.ToInt64s() : null;

    /// <summary>The integers an operator takes as attribute in older versions and as input in newer ones.</summary>
    public static long[]? Integers(Node node, string attribute, int input) => node.Ints(attribute) ?? Integers(node.Input(input));
}
