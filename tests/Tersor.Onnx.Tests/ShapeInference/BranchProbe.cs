namespace Tersor.Onnx.Tests.Inference;

/// <summary>Makes every value that an If's branches compute an output of the main graph; where the other branch is taken, a marker comes out instead.</summary>
internal static class BranchProbe
{
    private static readonly long[] MarkerShape = [0, 7, 0];

    public static bool IsMarker(Tensor tensor) => tensor.Shape.AsSpan().SequenceEqual(MarkerShape);

    /// <summary>Adds the outputs; main graph value → the value of a branch whose content it carries. <paramref name="typeOf"/> gives element types.</summary>
    public static Dictionary<Value, Value> Expose(Graph main, Func<Value, ElementType> typeOf)
    {
        Dictionary<Value, Value> carried = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in main.Nodes.Where(n => n.Is("If")).ToArray())
            Lift(node, typeOf, carried);
        return carried;
    }

    private static void Lift(Node node, Func<Value, ElementType> typeOf, Dictionary<Value, Value> carried)
    {
        Graph[] branches = [node.Body("then_branch")!, node.Body("else_branch")!];
        foreach (Graph branch in branches)
        {
            foreach (Node inner in branch.Nodes.Where(n => n.Is("If")).ToArray())
                Lift(inner, typeOf, carried);
        }
        foreach (Graph branch in branches)
        {
            Graph other = ReferenceEquals(branch, branches[0]) ? branches[1] : branches[0];
            foreach (Value value in branch.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput && v.Producer is { } p && !p.Is("Constant")).ToArray())
            {
                Value source = carried.GetValueOrDefault(value, value);
                ElementType element = typeOf(source);
                if (element == ElementType.Undefined)
                    continue;
                value.Type = null;
                branch.AddOutput(value);
                other.AddOutput(other.AddNode("Constant", [], ["marker"], [new("value", Tensor.FromBytes(element, MarkerShape, default))]).Outputs[0]!);
                carried[node.AddOutput(value.Name)] = source;
            }
        }
    }
}
