using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training.Execution;
using static TorchSharp.torch;

namespace Tersor.Training.Losses;

/// <summary>A model a student learns from. It is run as it will be used, without gradients, and carries its own state from step to step.</summary>
internal sealed class Teacher : IDisposable
{
    private readonly GraphProgram program;
    private readonly string name;
    private readonly (Value Output, Value Input)[] feedback;
    private readonly IReadOnlyDictionary<string, string> sources; // what the student calls its inputs
    private readonly Dictionary<string, Tensor> state = [];

    /// <param name="model">Not modified.</param>
    /// <param name="number">From 1, for messages.</param>
    /// <param name="needed">Names of hidden values that are looked at.</param>
    /// <param name="given">Names of what the student is fed, in its order; state apart.</param>
    /// <param name="feedback">Which output is fed back to which input, by name; pairs it does not have are another model's.</param>
    /// <exception cref="TrainingException">It cannot be run, or takes other inputs.</exception>
    public Teacher(Model model, int number, IReadOnlyCollection<string> needed, IReadOnlyList<string> given, IReadOnlyDictionary<string, string> feedback)
    {
        name = $"Teacher {number}";
        Model running = RunningModel.Of(model, needed);
        Value[] inputs = [.. running.Graph.Inputs.Where(i => !i.IsInitializer)];
        this.feedback = [.. feedback.Select(f => (Output: running.Graph.Outputs.FirstOrDefault(o => o.Name == f.Key), Input: inputs.FirstOrDefault(i => i.Name == f.Value)))
            .Where(f => f is { Output: not null, Input: not null }).Select(f => (f.Output!, f.Input!))];
        sources = TeacherInputs.Match(name, [.. inputs.Where(i => this.feedback.All(f => !ReferenceEquals(f.Input, i))).Select(i => i.Name)], given);
        program = new(running, ScalarType.Float32);
        program.Require(running.Graph.Outputs);
        Answers = [.. running.Graph.Outputs.Where(o => this.feedback.All(f => !ReferenceEquals(f.Output, o)))];
    }

    /// <summary>The model that runs.</summary>
    public Model Model => program.Model;

    /// <summary>Its outputs but those that are state.</summary>
    public IReadOnlyList<Value> Answers { get; }

    /// <summary>Samples it was run on, each as often as it was.</summary>
    public long SamplesSeen { get; private set; }

    /// <summary>Its state starts anew.</summary>
    public void Begin()
    {
        foreach (Tensor tensor in state.Values)
            tensor.Dispose();
        state.Clear();
    }

    /// <summary>Runs it.</summary>
    /// <param name="inputs">What the student is fed, by name.</param>
    /// <param name="wanted">Values of its model.</param>
    /// <param name="samples">How many samples that is.</param>
    /// <returns>What was wanted, without gradients; owned by the current scope.</returns>
    public Tensor[] Run(IReadOnlyDictionary<string, Tensor> inputs, IReadOnlyList<Value> wanted, int samples)
    {
        using IDisposable _ = no_grad();
        SamplesSeen += samples;
        Dictionary<string, Tensor> fed = sources.ToDictionary(s => s.Key, s => inputs.TryGetValue(s.Value, out Tensor? tensor) ? tensor
            : throw new TrainingException($"{name} needs '{s.Value}' for its input '{s.Key}', and the data do not give it."));
        foreach (Value input in feedback.Select(f => f.Input))
            fed[input.Name] = state.TryGetValue(input.Name, out Tensor? carried) ? carried : Start(input, inputs.GetValueOrDefault(input.Name));
        object?[] results = program.Run(fed, [.. wanted, .. feedback.Select(f => f.Output)]);
        Tensor[] tensors = [.. results.Select((r, i) => r as Tensor ?? throw new TrainingException($"{name} gave no tensor '{(i < wanted.Count ? wanted[i] : feedback[i - wanted.Count].Output).Name}' to learn from."))];
        for (int i = 0; i < feedback.Length; i++)
        {
            if (state.Remove(feedback[i].Input.Name, out Tensor? old))
                old.Dispose();
            state[feedback[i].Input.Name] = tensors[wanted.Count + i].DetachFromDisposeScope();
        }
        return tensors[..wanted.Count];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Begin();
        program.Dispose();
    }

    // The state a sample begins with is the student's; it fits where it is of the same size. Elsewhere a teacher begins with zeros, as samples do by convention.
    private static Tensor Start(Value input, Tensor? given)
    {
        if (input.Type?.AsTensor?.Shape is not { } shape)
            return given ?? throw new TrainingException($"Input '{input.Name}' of a teacher is state, and neither the data nor the model say what it begins with. Declare its shape.");
        return given is not null && shape.Length == given.dim() && shape.Zip(given.shape).All(d => d.First.Size is not { } size || size == d.Second) ? given
            : zeros([.. shape.Select((d, i) => d.Size ?? (given is not null && given.dim() == shape.Length ? given.shape[i] : 1))], ScalarType.Float32);
    }
}
