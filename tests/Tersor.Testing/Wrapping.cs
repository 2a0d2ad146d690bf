using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Puts a whole model into an If or into a function, so that a pass can be shown to do there what it does in the open.</summary>
public static class Wrapping
{
    /// <summary>Name of the condition where it is a graph input.</summary>
    public const string ConditionInput = "wrapping_condition";

    /// <summary>The model in the then-branch of an If. Inputs and outputs keep their names and types.</summary>
    /// <param name="model">Left as it is.</param>
    /// <param name="conditionAsInput">The condition is one more graph input, <see cref="ConditionInput"/>; otherwise a constant true.</param>
    /// <exception cref="NotSupportedException">An output has a type for which the else-branch cannot make a value; the message is a reason to skip.</exception>
    public static Model InIf(Model model, bool conditionAsInput = false)
    {
        Model wrapped = Shell(model, model.IrVersion, out ModelCloner cloner);
        Graph main = wrapped.Graph;
        Value condition = conditionAsInput
            ? main.AddInput(ConditionInput, OnnxType.Of(ElementType.Bool, []))
            : main.AddInitializer("wrapping_true", Tensor.Scalar(true));
        foreach (Value output in model.Graph.Outputs)
            wrapped.ReserveName(output.Name);

        Graph then = main.NewBody("then"), otherwise = main.NewBody("else");
        CopyBody(model.Graph, then, cloner);
        foreach (Value output in model.Graph.Outputs)
        {
            Value inner = AsNodeOutput(then, cloner.Mapped(output), $"{output.Name}_then");
            inner.Type = output.Type;
            then.AddOutput(inner);
            Value absent = Placeholder(otherwise, output, $"{output.Name}_else");
            absent.Type = output.Type is OnnxType.Tensor tensor ? new OnnxType.Tensor(tensor.ElementType, null) : output.Type;
            otherwise.AddOutput(absent);
        }
        Node choice = main.AddNode("If", [condition], [.. Enumerable.Repeat("wrapped", model.Graph.Outputs.Count)],
            [new("then_branch", then), new("else_branch", otherwise)]);
        GiveOut(model, main, choice);
        return wrapped;
    }

    /// <summary>The model as a model-local function that the main graph calls once. Initializers become Constant nodes of the function, except overridable ones, which are arguments.</summary>
    public static Model InFunction(Model model)
    {
        Model wrapped = Shell(model, Math.Max(model.IrVersion, 8), out ModelCloner outer);
        Function function = new(wrapped, "tersor.testing", "Whole", "");
        foreach ((string domain, long version) in model.OpsetImports)
            function.OpsetImports[domain] = version;
        wrapped.OpsetImports["tersor.testing"] = 1;
        ModelCloner cloner = new(keepNames: false);
        foreach (Value input in model.Graph.Inputs.Where(StaysOutside))
            cloner.Map(input, function.Body.AddInput(input.Name, null));
        CopyBody(model.Graph, function.Body, cloner);
        foreach (Value output in model.Graph.Outputs)
            function.Body.AddOutput(AsNodeOutput(function.Body, cloner.Mapped(output), output.Name));
        wrapped.Functions.Insert(0, function);
        Node call = wrapped.Graph.AddNode("Whole", [.. model.Graph.Inputs.Where(StaysOutside).Select(outer.Mapped)],
            [.. Enumerable.Repeat("wrapped", model.Graph.Outputs.Count)], domain: "tersor.testing");
        GiveOut(model, wrapped.Graph, call);
        return wrapped;
    }

    /// <summary>Inputs and functions of the model, without its nodes.</summary>
    private static Model Shell(Model model, long irVersion, out ModelCloner cloner)
    {
        Model shell = new(model.Opset, irVersion, model.Graph.Name);
        shell.OpsetImports.Clear();
        foreach ((string domain, long version) in model.OpsetImports)
            shell.OpsetImports[domain] = version;
        foreach (Function function in model.Clone().Functions.ToArray())
            shell.Functions.Add(ModelCloner.CopyFunction(function, shell));
        cloner = new(keepNames: false);
        foreach (Value input in model.Graph.Inputs.Where(StaysOutside))
        {
            Value copy = new(shell.Graph, input.Name) { Type = input.Type };
            shell.ReserveName(input.Name);
            shell.Graph.AttachInput(copy);
            if (input.Tensor is { } value)
                shell.Graph.AttachInitializer(copy, value);
            cloner.Map(input, copy);
        }
        return shell;
    }

    private static bool StaysOutside(Value input) => !input.IsInitializer || input.IsOverridable;

    private static void CopyBody(Graph source, Graph target, ModelCloner cloner)
    {
        foreach (Value initializer in source.Initializers.Where(i => !i.IsOverridable))
        {
            // Before IR version 4 an initializer had to be a graph input as well, and a body of If has none.
            Value copy = initializer.Initializer is { } dense && target.Model.IrVersion >= 4 ? target.AddInitializer(initializer.Name, dense)
                : initializer.Initializer is { } early ? target.AddNode("Constant", [], [initializer.Name], [new("value", early)]).Outputs[0]!
                : target.AddNode("Constant", [], [initializer.Name], [new("sparse_value", new NodeAttribute.Sparse(initializer.SparseInitializer!))]).Outputs[0]!;
            foreach (Constraint constraint in initializer.Constraints)
                copy.Constraints.Add(constraint);
            cloner.Map(initializer, copy);
        }
        cloner.CopyNodes(source, target, before: null);
    }

    /// <summary>What a body or a function gives out must be made by one of its nodes.</summary>
    private static Value AsNodeOutput(Graph graph, Value value, string hint) =>
        value.Producer is not null && ReferenceEquals(value.Graph, graph) && !value.IsGraphOutput ? value : graph.AddNode("Identity", [value], [hint]).Outputs[0]!;

    /// <summary>The node's outputs become the model's, under the model's names and types.</summary>
    private static void GiveOut(Model model, Graph main, Node node)
    {
        foreach ((Value output, Value? made) in model.Graph.Outputs.Zip(node.Outputs))
        {
            made!.Type = output.Type;
            made.TakeName(output.Name);
            main.AddOutput(made);
        }
    }

    private static Value Placeholder(Graph body, Value output, string hint)
    {
        switch (output.Type)
        {
            case OnnxType.Tensor { Shape: var shape, ElementType: not ElementType.Undefined } tensor:
                long[] sizes = [.. (shape ?? ImmutableArray<Dimension>.Empty).Select(d => d.Size ?? 1)];
                long length = Tensor.ElementCount(sizes);
                Tensor value = tensor.ElementType == ElementType.String
                    ? Tensor.FromStrings(sizes, Enumerable.Repeat("", (int)length))
                    : Tensor.FromBytes(tensor.ElementType, sizes, new byte[tensor.ElementType.ByteLength(length)]);
                return body.AddNode("Constant", [], [hint], [new("value", value)]).Outputs[0]!;
            case OnnxType.Sequence { Element: OnnxType.Tensor element }:
                return body.AddNode("SequenceEmpty", [], [hint], [new("dtype", (long)element.ElementType)]).Outputs[0]!;
            case OnnxType.Optional { Element: { } element }:
                return body.AddNode("Optional", [], [hint], [new("type", new NodeAttribute.TypeValue(element))]).Outputs[0]!;
            default:
                throw new NotSupportedException($"output '{output.Name}' has type {output.Type?.ToString() ?? "unknown"}, of which the else-branch can make no value");
        }
    }
}
