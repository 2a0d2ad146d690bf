using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Training.Libtorch;
using Tersor.Training.Operators;
using static TorchSharp.torch;

namespace Tersor.Training.Execution;

/// <summary>A graph as a computation in libtorch, through which gradients flow. Values are released after their last use; what autograd needs of them it keeps itself.</summary>
/// <remarks>Made once, run as often as needed. One run at a time.</remarks>
internal sealed class GraphProgram : IDisposable
{
    private readonly Dictionary<Value, int> slots = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Graph, Code> codes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Value, Tensor> constants = new(ReferenceEqualityComparer.Instance);
    private readonly List<string> missing = [];
    private readonly Dictionary<Node, string> unknown = []; // nodes of the main graph that hold an operator without an implementation
    private readonly Dictionary<Value, IReadOnlySet<Node>> paths = [];
    private readonly Code main;
    private readonly object?[] values;

    /// <summary>Prepares a model.</summary>
    /// <param name="model">Not modified, and not to be modified afterwards. Functions are inlined in a copy.</param>
    /// <param name="reals">What floating-point numbers are carried in; null: as the model has them.</param>
    public GraphProgram(Model model, ScalarType? reals = null)
    {
        if (model.Functions.Count > 0)
        {
            model = model.Clone();
            FunctionInliner.InlineAll(model);
        }
        Model = model;
        State = new() { Reals = reals, RunBody = RunBody, Types = ShapeInference.Infer(model) };
        main = Compile(model.Graph);
        values = new object?[slots.Count];
    }

    /// <summary>The model that is run, functions inlined.</summary>
    public Model Model { get; }

    /// <summary>How it is run.</summary>
    public RunState State { get; }

    /// <summary>Tensors that stand for constants of the model: parameters, or functions of them. They are not owned, and must live as long as they stand here.</summary>
    public IDictionary<Value, Tensor> Replaced { get; } = new Dictionary<Value, Tensor>(ReferenceEqualityComparer.Instance);

    /// <summary>Told what every node gave, before anything is released; null: nobody is.</summary>
    public Action<Node, IReadOnlyList<object?>>? Watch { get; set; }

    /// <summary>Outputs that every operator on the way to has an implementation for.</summary>
    public IReadOnlyList<Value> KnownOutputs => unknown.Count == 0 ? Model.Graph.Outputs : [.. Model.Graph.Outputs.Where(o => !PathTo(o).Overlaps(unknown.Keys))];

    /// <summary>Refuses values that cannot be computed.</summary>
    /// <exception cref="TrainingException">An operator on the way to one has no implementation.</exception>
    public void Require(IEnumerable<Value> wanted)
    {
        if (unknown.Count == 0)
            return;
        HashSet<Node> path = [.. wanted.SelectMany(PathTo)];
        string[] met = [.. unknown.Where(u => path.Contains(u.Key)).Select(u => u.Value)];
        if (met.Length > 0)
        {
            throw new TrainingException($"{(met.Length == 1 ? "An operator has" : $"{met.Length} operators have")} no implementation for training: {string.Join(", ", met.Take(5))}{(met.Length > 5 ? ", ..." : "")}. "
                + "Cut the part that holds them off the model, replace them, or judge an output they have no part in (--loss-output).");
        }
    }

    /// <summary>The tensor a constant is carried in; owned by the program.</summary>
    public Tensor ConstantOf(Value value)
    {
        if (!constants.TryGetValue(value, out Tensor? tensor))
        {
            OnnxTensor stored = value.Tensor ?? throw new ArgumentException($"'{value.Name}' is no constant.", nameof(value));
            constants[value] = tensor = TorchTensors.ToTorch(stored, State.Reals).DetachFromDisposeScope();
        }
        return tensor;
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="inputs">By name. Not owned.</param>
    /// <param name="wanted">Values of the main graph to give out; null: its outputs.</param>
    /// <returns>What was wanted, in that order; owned by the caller.</returns>
    /// <exception cref="TrainingException">An input is missing, or an operator cannot do what is asked.</exception>
    public object?[] Run(IReadOnlyDictionary<string, Tensor> inputs, IReadOnlyList<Value>? wanted = null)
    {
        wanted ??= Model.Graph.Outputs;
        Require(wanted);
        State.Batch = FixedBatch(inputs);
        foreach (Value input in Model.Graph.Inputs)
        {
            if (inputs.TryGetValue(input.Name, out Tensor? given))
                values[slots[input]] = given.alias();
            else if (!input.IsInitializer)
                throw new TrainingException($"Input '{input.Name}' is not fed; the model takes {string.Join(", ", Model.Graph.Inputs.Where(v => !v.IsInitializer).Select(v => v.Name))}.");
        }
        try
        {
            return Execute(main, wanted);
        }
        finally
        {
            // Nothing is left from a run that failed half-way.
            for (int i = 0; i < values.Length; i++)
                Release(i);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in constants.Values)
            tensor.Dispose();
        constants.Clear();
    }

    /// <summary>The batch size the model was exported with and the one that is fed, where every input that differs from what is declared differs in that alone.</summary>
    private (long Declared, long Actual)? FixedBatch(IReadOnlyDictionary<string, Tensor> inputs)
    {
        (long Declared, long Actual)? found = null;
        foreach (Value input in Model.Graph.Inputs)
        {
            if (input.Type?.AsTensor?.Shape is not [{ Size: { } declared }, ..] || !inputs.TryGetValue(input.Name, out Tensor? given) || given.dim() == 0 || given.shape[0] == declared)
                continue;
            if (found is { } before && before != (declared, given.shape[0]))
                return null;
            found = (declared, given.shape[0]);
        }
        return found;
    }

    private Code Compile(Graph graph)
    {
        foreach (Value input in graph.Inputs)
            Slot(input);
        List<Step> steps = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Is("Constant") && node.Outputs[0]?.Tensor is not null)
            {
                Slot(node.Outputs[0]!);
                continue;
            }
            int before = missing.Count;
            OperatorRow? row = OperatorTable.Find(node.Domain, node.OpType, node.OpsetVersion);
            if (row is null)
                missing.Add($"{node} ({(node.IsStandard ? "" : node.Domain + " ")}operator set {node.OpsetVersion})");
            foreach (Graph body in node.Bodies)
                codes[body] = Compile(body);
            if (missing.Count > before && ReferenceEquals(graph, Model.Graph))
                unknown[node] = string.Join(", ", missing[before..]);
            steps.Add(new(node, row!, new(node, State), [.. node.Outputs.Select(o => o is null ? -1 : Slot(o))]));
        }
        Code code = new(graph, [.. steps]);
        Dictionary<int, int> last = [];
        for (int i = 0; i < steps.Count; i++)
        {
            foreach (int slot in Read(steps[i].Node).Where(v => ReferenceEquals(v.Graph, graph)).Select(Slot).Concat(steps[i].Outputs.Where(s => s >= 0)))
                last[slot] = i;
        }
        foreach ((int slot, int step) in last)
            steps[step].Released.Add(slot);
        return code;
    }

    /// <summary>Everything a node reads, what its bodies read from outside included.</summary>
    private static IEnumerable<Value> Read(Node node) => node.Inputs.OfType<Value>()
        .Concat(node.Bodies.SelectMany(b => b.Nodes.SelectMany(Read).Concat(b.Outputs)));

    private int Slot(Value value)
    {
        if (!slots.TryGetValue(value, out int slot))
            slots[value] = slot = slots.Count;
        return slot;
    }

    private object?[] Execute(Code code, IReadOnlyList<Value> wanted)
    {
        // What a body gives may be a value from outside, which is not its to release.
        HashSet<int> kept = [.. wanted.Where(v => ReferenceEquals(v.Graph, code.Graph)).Select(v => slots.GetValueOrDefault(v, -1))];
        HashSet<Node>? needed = ReferenceEquals(code, main) && unknown.Count > 0 ? [.. wanted.SelectMany(PathTo)] : null;
        foreach (Step step in code.Steps)
        {
            if (needed?.Contains(step.Node) == false)
            {
                Release(step, kept);
                continue;
            }
            OperatorCall call = step.Call;
            for (int i = 0; i < call.Inputs.Length; i++)
                call.Inputs[i] = step.Node.Inputs[i] is { } input ? Current(input) : null;
            Store(step, RunStep(step));
            Array.Clear(call.Inputs);
            Watch?.Invoke(step.Node, [.. step.Outputs.Select(s => s < 0 ? null : values[s])]);
            Release(step, kept);
        }
        object?[] results = new object?[wanted.Count];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = Current(wanted[i]) switch
            {
                Tensor tensor => tensor.alias(),
                TensorSequence sequence => sequence.Alias(),
                _ => null,
            };
        }
        foreach (int slot in kept.Where(s => s >= 0))
            Release(slot);
        foreach (Value input in code.Graph.Inputs)
            Release(slots[input]);
        return results;
    }

    private static OperatorResult RunStep(Step step)
    {
        using IDisposable scope = NewDisposeScope(); // what an operator makes on the way goes; what autograd needs of it, it keeps
        try
        {
            return step.Row.Run(step.Call).MoveToOuterDisposeScope();
        }
        catch (Exception e) when (e is SystemException and not OperationCanceledException and not OutOfMemoryException) // the binding throws many kinds
        {
            string message = e.Message.Split('\n')[0].Trim();
            string shapes = string.Join(", ", step.Call.Inputs.OfType<Tensor>().Select(t => $"{t.dtype} [{string.Join(',', t.shape)}]"));
            throw step.Call.Bad($"cannot run on ({shapes}): {message}", e);
        }
    }

    private void Store(Step step, OperatorResult result)
    {
        for (int i = 0; i < step.Outputs.Length; i++)
        {
            object? value = result.Several is { } several ? i < several.Length ? several[i] : null : i == 0 ? result.Single : null;
            if (step.Outputs[i] >= 0)
                values[step.Outputs[i]] = value;
            else
                (value as IDisposable)?.Dispose();
        }
        for (int i = step.Outputs.Length; i < (result.Several?.Length ?? 0); i++)
            (result.Several![i] as IDisposable)?.Dispose();
    }

    private object? Current(Value value)
    {
        if (slots.TryGetValue(value, out int slot) && values[slot] is { } computed)
            return computed;
        if (value.Tensor is null)
            return null; // an output an operator left out
        return Replaced.TryGetValue(value, out Tensor? replaced) ? replaced : ConstantOf(value);
    }

    private void Release(Step step, HashSet<int> kept)
    {
        foreach (int slot in step.Released)
        {
            if (!kept.Contains(slot))
                Release(slot);
        }
    }

    /// <summary>The nodes of the main graph that a value follows from.</summary>
    private IReadOnlySet<Node> PathTo(Value value)
    {
        if (paths.TryGetValue(value, out IReadOnlySet<Node>? known))
            return known;
        HashSet<Node> nodes = [];
        Stack<Value> open = new([value]);
        while (open.TryPop(out Value? at))
        {
            if (at.Producer is not { } node || !nodes.Add(node))
                continue;
            foreach (Value read in Read(node))
                open.Push(read);
        }
        return paths[value] = nodes;
    }

    private void Release(int slot)
    {
        (values[slot] as IDisposable)?.Dispose();
        values[slot] = null;
    }

    private object?[] RunBody(Graph body, IReadOnlyList<object?> inputs)
    {
        for (int i = 0; i < body.Inputs.Count; i++)
        {
            values[slots[body.Inputs[i]]] = i >= inputs.Count ? null : inputs[i] switch
            {
                Tensor tensor => tensor.alias(),
                TensorSequence sequence => sequence.Alias(),
                _ => null,
            };
        }
        return Execute(codes[body], body.Outputs);
    }

    private sealed record Code(Graph Graph, Step[] Steps);

    private sealed record Step(Node Node, OperatorRow Row, OperatorCall Call, int[] Outputs)
    {
        /// <summary>Slots that nothing reads afterwards.</summary>
        public List<int> Released { get; } = [];
    }
}
