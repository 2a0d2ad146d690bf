namespace Tersor.Onnx;

/// <summary>The one visitor that finds weights wherever they stand.</summary>
public static class ModelWeights
{
    /// <summary>Every weight use of the model, each once, in model order: initializers, Constant nodes, nested bodies, functions, overridable initializers,
    /// external data, behind Transpose, Cast, Identity, Reshape and the like, handed to a function as an argument.</summary>
    /// <returns>A snapshot: the model may be edited while it is enumerated.</returns>
    public static IReadOnlyList<WeightUse> Weights(this Model model)
    {
        List<WeightUse> uses = [];
        Finder finder = new(model);
        foreach (Node node in model.AllNodes())
            finder.AddUsesOf(node, uses);
        foreach (IGrouping<Value, WeightUse> shared in uses.GroupBy(u => u.Value))
        {
            WeightUse[] users = [.. shared];
            foreach (WeightUse use in users)
                use.Users = users;
        }
        return uses;
    }

    private sealed class Finder(Model model)
    {
        private readonly Dictionary<Value, ConstantOperand?> operands = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<(string, string, string), Function> functions = Functions(model);

        public void AddUsesOf(Node node, List<WeightUse> uses)
        {
            Function? callee = Callee(node);
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (node.Inputs[i] is not { } input || Operand(input) is not { } operand)
                    continue;
                // What only moves the constant is part of the path to its real reader.
                if (i == 0 && callee is null && ConstantOperand.IsTransparent(node) && Operand(node.Outputs[0]!) is not null)
                    continue;
                if ((callee is null ? WeightPlace.Of(node, i, operand) : Argument(callee, i, operand)) is { } place)
                    uses.Add(new(node, i, operand, place));
            }
        }

        /// <summary>What a function does with its argument; several readers must agree.</summary>
        private WeightPlace? Argument(Function function, int index, ConstantOperand operand)
        {
            if (index >= function.Body.Inputs.Count)
                return WeightPlace.Unknown(operand);
            ConstantOperand argument = operand with { Axes = [.. Enumerable.Range(0, operand.Rank)] };
            HashSet<WeightPlace?> places = [];
            int budget = 1000; // functions that call functions twice, and those again, have more readers than can be visited
            if (!Visit(function.Body.Inputs[index], argument))
                return WeightPlace.Unknown(operand);
            places.Remove(null);
            return places.Count > 1 ? WeightPlace.Unknown(operand) : places.SingleOrDefault();

            bool Visit(Value value, ConstantOperand seen) => value.Uses.All(use => --budget >= 0 && VisitUse(use, seen));

            bool VisitUse(Use use, ConstantOperand seen)
            {
                if (Callee(use.Node) is { } inner)
                    return use.Index < inner.Body.Inputs.Count && Visit(inner.Body.Inputs[use.Index], seen);
                if (use.Index == 0 && ConstantOperand.IsTransparent(use.Node))
                    return seen.Through(use.Node) is { } next && Visit(use.Node.Outputs[0]!, next);
                WeightPlace? place = WeightPlace.Of(use.Node, use.Index, seen);
                places.Add(place is { } known ? known with { OutputAxis = seen.ToStored(known.OutputAxis), InputAxis = seen.ToStored(known.InputAxis) } : null);
                return true;
            }
        }

        private ConstantOperand? Operand(Value value)
        {
            if (!operands.TryGetValue(value, out ConstantOperand? operand))
                operands[value] = operand = ConstantOperand.Of(value);
            return operand;
        }

        private Function? Callee(Node node) => functions.GetValueOrDefault((Model.NormalizeDomain(node.Domain), node.OpType, node.Overload));

        private static Dictionary<(string, string, string), Function> Functions(Model model)
        {
            Dictionary<(string, string, string), Function> functions = [];
            foreach (Function function in model.Functions)
                functions.TryAdd((Model.NormalizeDomain(function.Domain), function.Name, function.Overload), function);
            return functions;
        }
    }
}
