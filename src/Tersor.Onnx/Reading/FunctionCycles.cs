namespace Tersor.Onnx.Reading;

/// <summary>A function may not call itself, directly or through others: inlining it would never end.</summary>
internal static class FunctionCycles
{
    private const int MaxDepth = 100;

    /// <exception cref="OnnxException">Functions call each other in a circle, or more than 100 deep.</exception>
    public static void Check(Model model)
    {
        if (model.Functions.Count == 0)
            return;
        Dictionary<(string, string, string), Function> callees = [];
        foreach (Function function in model.Functions)
            callees.TryAdd((Model.NormalizeDomain(function.Domain), function.Name, function.Overload), function);
        Dictionary<Function, int> depths = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Function>);
        foreach (Function function in model.Functions)
            Depth(function, 1);

        int Depth(Function function, int above)
        {
            if (depths.TryGetValue(function, out int known))
                return known >= 0 ? known : throw new OnnxException($"Function '{function.Domain}.{function.Name}' calls itself, directly or through others.");
            depths[function] = -1;
            if (above > MaxDepth)
                throw TooDeep(function);
            int depth = 1;
            foreach (Node node in function.Body.WithNested().SelectMany(g => g.Nodes))
            {
                if (callees.TryGetValue((Model.NormalizeDomain(node.Domain), node.OpType, node.Overload), out Function? callee))
                    depth = Math.Max(depth, Depth(callee, above + 1) + 1);
            }
            return depths[function] = depth <= MaxDepth ? depth : throw TooDeep(function);
        }

        static OnnxException TooDeep(Function function) => new($"Functions call each other more than {MaxDepth} deep, at '{function.Domain}.{function.Name}'.");
    }
}
