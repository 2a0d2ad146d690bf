namespace Tersor.Onnx.Reading;

/// <summary>A function may not call itself, directly or through others: inlining it would never end.</summary>
internal static class FunctionCycles
{
    /// <exception cref="OnnxException">Functions call each other in a circle, or more than 100 deep.</exception>
    public static void Check(Model model)
    {
        if (model.Functions.Count == 0)
            return;
        Dictionary<Function, int> depths = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Function>);
        foreach (Function function in model.Functions)
            Depth(function);

        int Depth(Function function)
        {
            if (depths.TryGetValue(function, out int known))
                return known >= 0 ? known : throw new OnnxException($"Function '{function.Domain}.{function.Name}' calls itself, directly or through others.");
            depths[function] = -1;
            if (depths.Values.Count(d => d < 0) > 100)
                throw new OnnxException($"Functions call each other more than 100 deep, at '{function.Domain}.{function.Name}'.");
            int depth = 0;
            foreach (Node node in function.Body.WithNested().SelectMany(g => g.Nodes))
            {
                if (model.FindFunction(node) is { } callee)
                    depth = Math.Max(depth, Depth(callee) + 1);
            }
            return depths[function] = depth;
        }
    }
}
