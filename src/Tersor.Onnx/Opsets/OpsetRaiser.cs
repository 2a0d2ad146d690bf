using Tersor.Onnx.Editing;

namespace Tersor.Onnx.Opsets;

/// <summary>Rewrites a model so that it means the same under a newer version of ONNX's own operator set.</summary>
public static class OpsetRaiser
{
    /// <summary>The newest version a model can be raised to.</summary>
    public const long Newest = OperatorHistory.Newest;

    /// <summary>The newest version of which ONNX Runtime has all operators: from 22 on it lacks a few (RoiAlign, GlobalLpPool).</summary>
    public const long Supported = 21;

    /// <summary>Raises the model, nested bodies and functions included, to <paramref name="target"/>; what is there already stays. Other domains are untouched.</summary>
    /// <remarks>
    /// The file format version rises to what the operator set needs, at least to 4: from there on initializers need not be graph inputs, and those of an
    /// older file stop being inputs, because nobody could override them before either.
    /// </remarks>
    /// <returns>True when anything changed.</returns>
    /// <exception cref="OnnxException">A node has no equal in the newer version, or there is something to raise and the version is not known. The model is then partly rewritten: raise a clone where the original is still needed.</exception>
    public static bool Raise(Model model, long target = Supported)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target, 1);
        if (model.Functions.Select(f => f.OpsetImports).Append(model.OpsetImports).All(imports => imports.GetValueOrDefault("", target) >= target))
            return false;
        if (target > Newest)
            throw new OnnxException($"Parts of the model are of an older operator set than others, and nothing can be raised to {target}: the newest known is {Newest}.");
        StepContext context = new(model);
        bool changed = RaiseScope(model, model.Graph, model.OpsetImports, target, context);
        foreach (Function function in model.Functions)
            changed |= RaiseScope(model, function.Body, function.OpsetImports, target, context);
        if (changed)
            RaiseFormat(model, Math.Max(model.Opset, target));
        return changed;
    }

    /// <summary>Raises the model as <see cref="Raise"/> does where every node has an equal in the newer version; else leaves it as it is.</summary>
    /// <returns>True when anything changed.</returns>
    public static bool TryRaise(Model model, long target = Supported)
    {
        try
        {
            Raise(model.Clone(), target); // a failure leaves a model half written
        }
        catch (OnnxException)
        {
            return false;
        }
        return Raise(model, target);
    }

    /// <summary>The oldest file format (ir_version) that may name version <paramref name="opset"/> of ONNX's own operator set.</summary>
    public static long RequiredIrVersion(long opset) => opset switch
    {
        <= 8 => 3,
        9 => 4,
        10 => 5,
        11 => 6,
        <= 14 => 7,
        <= 18 => 8,
        <= 20 => 9,
        <= 22 => 10,
        23 => 11,
        24 => 12,
        _ => 13,
    };

    private static bool RaiseScope(Model model, Graph scope, SortedDictionary<string, long> imports, long target, StepContext context)
    {
        if (!imports.TryGetValue("", out long from) || from >= target)
            return false;
        bool shadowing = model.Functions.Any(f => Model.NormalizeDomain(f.Domain).Length == 0); // functions may stand in for standard operators
        // Version by version, because a step may insert nodes, which are then written for that version and rise with the others.
        for (long version = from + 1; version <= target; version++)
        {
            foreach (Graph graph in scope.WithNested().ToArray())
            {
                foreach (Node node in graph.Nodes.Where(n => n.IsStandard && !(shadowing && model.FindFunction(n) is not null)).ToArray())
                    RaiseNode(node, version, context);
            }
            imports[""] = version;
        }
        foreach (Graph graph in scope.WithNested())
        {
            if (TopologicalOrder.Of(graph) is { } order)
                graph.Reorder(order);
        }
        return true;
    }

    private static void RaiseNode(Node node, long version, StepContext context)
    {
        if (!OperatorHistory.Operators.TryGetValue(node.OpType, out var history))
            throw StepContext.Impossible(node, version, "ONNX has no operator of that name up to this version; replace the node by standard operators, or give its definition as a model-local function");
        switch (history.GetValueOrDefault(version))
        {
            case VersionChange.Step:
                RaisingSteps.All[(node.OpType, version)](node, context.At(version));
                break;
            case VersionChange.Impossible:
                throw StepContext.Impossible(node, version, "no rewriting is known that keeps its meaning; export the model with a newer operator set");
        }
    }

    private static void RaiseFormat(Model model, long opset)
    {
        long old = model.IrVersion;
        model.IrVersion = Math.Max(old, Math.Max(4, RequiredIrVersion(opset)));
        if (old >= 4)
            return;
        foreach (Value value in model.Graph.Inputs.Where(v => v.IsInitializer).ToArray())
            model.Graph.RemoveInput(value);
    }
}
