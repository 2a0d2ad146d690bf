namespace Tersor.Onnx.Editing;

/// <summary>Puts the definition of model-local functions in the place of their calls.</summary>
public static class FunctionInliner
{
    private const long MaxNodes = 5_000_000;

    /// <summary>Inlines every call of every function, nested calls included, and drops the functions and the domains that only they used.</summary>
    /// <returns>How many calls were inlined.</returns>
    /// <exception cref="OnnxException">A function is written in an operator set version that the model's other nodes do not share, or the result would be too large.</exception>
    public static int InlineAll(Model model)
    {
        if (model.Functions.Count == 0)
            return 0;
        RequireBounded(model);
        int count = 0;
        foreach (Graph graph in model.Graph.WithNested())
        {
            // The nodes of the body land behind the call, so that calls among them come next.
            foreach (Node node in graph.Nodes)
            {
                if (model.FindFunction(node) is { } function)
                {
                    Inline(node, function);
                    count++;
                }
            }
        }
        string[] domains = [.. model.Functions.Select(f => Model.NormalizeDomain(f.Domain)).Distinct()];
        model.Functions.Clear();
        HashSet<string> used = [.. model.AllNodes().Select(n => Model.NormalizeDomain(n.Domain))];
        foreach (string domain in domains.Where(d => d.Length > 0 && !used.Contains(d)))
            model.OpsetImports.Remove(domain);
        return count;
    }

    /// <summary>Inlines one call. The function stays, and calls of other functions in its body stay calls.</summary>
    /// <exception cref="ArgumentException"><paramref name="call"/> calls no function of the model.</exception>
    /// <exception cref="OnnxException">The function is written in an operator set version that the caller does not share.</exception>
    public static void Inline(Node call) =>
        Inline(call, call.Graph.Model.FindFunction(call) ?? throw new ArgumentException($"{call} calls no function of the model.", nameof(call)));

    private static void Inline(Node call, Function function)
    {
        if (call.Inputs.Count > function.Body.Inputs.Count || call.Outputs.Count > function.Body.Outputs.Count)
            throw new OnnxException($"{call} has {Plural.Of(call.Inputs.Count, "input")} and {Plural.Of(call.Outputs.Count, "output")}; function '{function.Name}' takes {function.Body.Inputs.Count} and gives {function.Body.Outputs.Count}.");
        MergeOpsets(call, function);
        ModelCloner cloner = new(keepNames: false, resolve: attribute => Resolve(attribute, call, function));
        for (int i = 0; i < function.Body.Inputs.Count; i++)
        {
            if (call.Input(i) is { } argument)
                cloner.Map(function.Body.Inputs[i], argument);
            else
                cloner.MapToNothing(function.Body.Inputs[i]);
        }
        cloner.CopyContents(function.Body, call.Graph, call.Next);
        for (int i = 0; i < call.Outputs.Count; i++)
        {
            if (call.Outputs[i] is not { } old)
                continue;
            Value made = cloner.Mapped(function.Body.Outputs[i]);
            if (ReferenceEquals(made, function.Body.Outputs[i]))
                throw new OnnxException($"Function '{function.Name}' gives out its input '{made.Name}', which {call} leaves out.");
            bool copied = !function.Body.Inputs.Contains(function.Body.Outputs[i]);
            string name = old.Name;
            if (copied)
                made.Type ??= old.DeclaredType;
            old.ReplaceAllUsesWith(made);
            if (copied && old.Name == name && !call.Graph.Outputs.Contains(made))
                old.SwapNames(made);
        }
        call.Remove();
    }

    /// <summary>What stands in the inlined body for an attribute of the function's: the caller's, the default, or nothing.</summary>
    private static NodeAttribute? Resolve(NodeAttribute attribute, Node call, Function function) => attribute is NodeAttribute.Reference reference
        ? call.Attributes.GetValueOrDefault(reference.Name) ?? function.DefaultAttributes.GetValueOrDefault(reference.Name)
        : attribute;

    private static void MergeOpsets(Node call, Function function)
    {
        IDictionary<string, long> target = call.Graph.Function?.OpsetImports ?? call.Graph.Model.OpsetImports;
        foreach ((string domain, long version) in function.OpsetImports)
        {
            if (!target.TryGetValue(domain, out long present))
                target[domain] = version;
            else if (present != version && function.Body.WithNested().SelectMany(g => g.Nodes).Any(n => Model.NormalizeDomain(n.Domain) == domain && call.Graph.Model.FindFunction(n) is null))
                throw new OnnxException($"Function '{function.Name}' is written in version {version} of operator set '{(domain.Length == 0 ? "ai.onnx" : domain)}', "
                    + $"its caller in {present}. Raise both to the same version before inlining.");
        }
    }

    /// <summary>Refuses what would explode when it is inlined, as every engine does with it: functions that call functions twice, and those again.</summary>
    /// <exception cref="OnnxException">Inlining would give too many nodes.</exception>
    public static void RequireBounded(Model model)
    {
        Dictionary<Function, long> sizes = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Function>);
        long total = model.Graph.WithNested().SelectMany(g => g.Nodes).Aggregate(0L, (sum, node) => Math.Min(MaxNodes + 1, sum + Size(node)));
        if (total > MaxNodes)
            throw new OnnxException($"Inlining all functions would give more than {MaxNodes} nodes.");

        long Size(Node node)
        {
            if (model.FindFunction(node) is not { } function)
                return 1;
            if (!sizes.TryGetValue(function, out long size))
                sizes[function] = size = function.Body.WithNested().SelectMany(g => g.Nodes).Aggregate(0L, (sum, inner) => Math.Min(MaxNodes + 1, sum + Size(inner)));
            return size;
        }
    }
}
