namespace Tersor.Onnx.Writing;

/// <summary>Renames values of bodies that share a name with a value of a graph around them: after an edit, the name could mean the wrong one.</summary>
internal static class ScopeNames
{
    public static void MakeDistinct(Model model)
    {
        foreach (Graph graph in model.Functions.Select(f => f.Body).Prepend(model.Graph))
            Walk(graph, new(StringComparer.Ordinal));
        // Constraints are stored by name: a constrained weight may share its name with no weight of another scope.
        foreach (IGrouping<string, Value> same in model.AllConstants().GroupBy(w => w.Name).Where(g => g.Skip(1).Any() && g.Any(w => w.Constraints.Count > 0)))
        {
            foreach (Value weight in same.Skip(1)) // the main graph's comes first
                weight.MakeNameUnique();
        }
    }

    private static void Walk(Graph graph, HashSet<string> outer)
    {
        if (!graph.Nodes.Any(n => n.Bodies.Any()) && outer.Count == 0)
            return;
        List<string> own = [];
        foreach (Value value in graph.Inputs.Concat(graph.Initializers).Concat(graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()).Distinct().ToArray())
        {
            if (outer.Contains(value.Name))
                value.MakeNameUnique();
            own.Add(value.Name);
        }
        own.RemoveAll(name => !outer.Add(name));
        foreach (Graph body in graph.Nodes.SelectMany(n => n.Bodies))
            Walk(body, outer);
        outer.ExceptWith(own);
    }
}
