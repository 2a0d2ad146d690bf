using Tersor.Cli.Parsing;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Files;
using Tersor.Onnx.Opsets;
using Tersor.Runtime;
using Inputs = System.Collections.Generic.IReadOnlyDictionary<string, Tersor.Runtime.RuntimeValue>;

namespace Tersor.Cli.Running;

/// <summary>What a command needs the engine to do with a model.</summary>
internal enum Needed
{
    /// <summary>The command reads the file, or says itself what it cannot do.</summary>
    Nothing,

    /// <summary>It loads, as it is or raised to a newer operator set: the engine lacks kernels of old ones.</summary>
    ToLoad,

    /// <summary>It runs, on the data given or on made-up input.</summary>
    ToRun,
}

/// <summary>A model file that was loaded and run in a child process first: what crashes or hangs the engine there never reaches this process.</summary>
internal sealed class CheckedModel : IDisposable
{
    /// <summary>What the engine's refusals start with; the messages here say the same with the file.</summary>
    private const string EnginePrefix = "ONNX Runtime cannot load the model: ";

    private readonly ModelGuard guard;
    private Inputs? ranOn;
    private bool loads, loadsRaised;

    private CheckedModel(string path, ModelReading reading)
    {
        (Path, Model) = (path, Read(path, reading));
        guard = new() { Limits = new() { MemoryBytes = reading.MemoryLimit } };
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What it holds.</summary>
    public Model Model { get; }

    /// <summary>The data given with it, or null.</summary>
    public OpenedData? Data { get; private set; }

    /// <summary>First samples of the data, as the engine takes them; null where there are none.</summary>
    public IReadOnlyList<Inputs>? Samples { get; private set; }

    /// <summary>Runs models made from this one in the child, too.</summary>
    public IModelRunner Runner => new GuardedRunner(guard);

    /// <summary>What it ran on in the child; null when it did not run.</summary>
    public Inputs? RanOn => ranOn;

    /// <summary>Sizes of open first and other dimensions of made-up input it ran on.</summary>
    public OpenSizes OpenSizes { get; private set; } = new(1, 1);

    /// <summary>How integers of made-up input it ran on are drawn.</summary>
    public Func<Value, Random, int> Integers { get; private set; } = Below(2);

    /// <summary>Bytes of the file and of the external data it refers to.</summary>
    public long Bytes => FileBytes(Path, Model);

    /// <summary>Reads a model file and runs it once in a child process. What the engine refuses beyond what is needed is a warning; an error says what to do otherwise, where that is given.</summary>
    /// <exception cref="RuntimeException">The engine crashed, hung or took too much memory on it, or does not do what is needed.</exception>
    public static CheckedModel Load(string path, ModelReading reading, DataRequest data, FixDimensionsOptions? sizes, Terminal terminal, CancellationToken cancellation, string part = "calibration", Needed needs = Needed.Nothing, string? otherwise = null)
    {
        CheckedModel model = new(path, reading);
        string[] problems = [.. sizes?.Problems(model.Model) ?? []];
        if (problems.Length > 0)
            throw new UsageException(string.Join(" ", problems));
        try
        {
            model.Data = data.Open(model.Model, part, terminal);
            if (model.Data is { DataSet.Count: > 0 } opened)
                model.Samples = [.. Enumerable.Range(0, Math.Min(2, opened.DataSet.Count)).Select(i => opened.DataSet.Read(i * (opened.DataSet.Count - 1)).Steps[0].ToDictionary(pair => pair.Key, pair => (RuntimeValue)pair.Value))];
            model.Try(sizes, needs, otherwise, terminal, cancellation);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Reads a model file and runs it once in a child process, on what another model ran on.</summary>
    /// <exception cref="RuntimeException">The engine crashed, hung or took too much memory on it, or does not run it.</exception>
    public static CheckedModel LoadLike(CheckedModel other, string path, ModelReading reading, Terminal terminal, CancellationToken cancellation)
    {
        CheckedModel model = new(path, reading) { Samples = other.ranOn is { } sample ? [sample] : null };
        if (Interface(model.Model) != Interface(other.Model))
        {
            model.Dispose();
            throw new RuntimeException($"{path} takes other inputs than {other.Path}, so they cannot be compared: {Interface(model.Model)} instead of {Interface(other.Model)}.");
        }
        return Tried(model, terminal, cancellation);
    }

    /// <summary>Reads a model to learn from and runs it once in a child process, on what its student ran on; inputs with other names are taken by position.</summary>
    /// <exception cref="TrainingException">The student has no input for one of its.</exception>
    /// <exception cref="RuntimeException">The engine crashed, hung or took too much memory on it, or does not run it.</exception>
    public static CheckedModel LoadTeacher(CheckedModel student, string path, ModelReading reading, Terminal terminal, CancellationToken cancellation)
    {
        CheckedModel read = new(path, reading);
        Model teacher = read.Model;
        IReadOnlyDictionary<string, string> feedback = student.Data?.DataSet.Feedback ?? new Dictionary<string, string>();
        // State goes from step to step within each of them.
        string[] state = [.. feedback.Where(f => teacher.Graph.Outputs.Any(o => o.Name == f.Key)).Select(f => f.Value).Intersect(InputNames(teacher))];
        IReadOnlyDictionary<string, string> inputs = TeacherInputs.Match(path, [.. InputNames(teacher).Except(state)], [.. InputNames(student.Model).Except(feedback.Values)]);
        read.Samples = student.ranOn is { } sample ? [Fed(sample)] : null;
        return Tried(read, terminal, cancellation);

        Dictionary<string, RuntimeValue> Fed(Inputs sample)
        {
            Dictionary<string, RuntimeValue> fed = inputs.Where(i => sample.ContainsKey(i.Value)).ToDictionary(i => i.Key, i => sample[i.Value]);
            Inputs? madeUp = state.Length == 0 ? null : SampleInputs.Make(teacher, 1, new(First: 1, Others: 1));
            foreach (string name in state)
            {
                if ((Fits(teacher, name, sample) ? sample : madeUp)?.GetValueOrDefault(name) is { } value)
                    fed[name] = value;
            }
            return fed;
        }
    }

    /// <summary>Reads a model; the weights of a large one do not stay in memory.</summary>
    private static Model Read(string path, ReadOptions reading)
    {
        Model model = Model.Load(path, reading);
        FunctionInliner.RequireBounded(model); // the engine would begin all the same
        LargeConstants.MoveOut(model);
        return model;
    }

    /// <summary>Bytes of a model file and of the external data it refers to.</summary>
    public static long FileBytes(string path, Model model) => new FileInfo(path).Length
        + model.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Tensor).OfType<Tensor>().Where(t => t.IsExternal).Distinct().Sum(t => t.ByteLength);

    /// <summary>Writes a model made from this one. It gets its name only after it ran in the child as this one did.</summary>
    /// <exception cref="RuntimeException">It does not run.</exception>
    public void Save(Model result, string path, WriteOptions writing, CancellationToken cancellation) =>
        result.Save(path, writing with { Verify = temporary => Verify(temporary, cancellation) });

    /// <summary>Writes the model as it is under another name, byte for byte unless it lies in several files.</summary>
    public void SaveUnchanged(string path, WriteOptions writing, CancellationToken cancellation)
    {
        if (Bytes != new FileInfo(Path).Length)
        {
            Save(Model, path, writing, cancellation);
            return;
        }
        OutputFile.Copy(Path, path);
    }

    public void Dispose() => guard.Dispose();

    /// <summary>Names of the inputs, in order of names: that of the file does not matter.</summary>
    private static string Interface(Model model) => string.Join(", ", InputNames(model).Order(StringComparer.Ordinal));

    private static string[] InputNames(Model model) => [.. model.Graph.Inputs.Where(v => !v.IsInitializer).Select(v => v.Name)];

    /// <summary>Whether what a model is fed under a name has the shape another declares for it.</summary>
    private static bool Fits(Model model, string name, Inputs fed) => fed.GetValueOrDefault(name) is RuntimeValue.Dense { Tensor.Shape: var given } && model.Graph.Inputs.First(i => i.Name == name).Type?.AsTensor?.Shape is { } shape
        && shape.Length == given.Length && shape.Zip(given).All(d => d.First.Size is not { } size || size == d.Second);

    private static CheckedModel Tried(CheckedModel model, Terminal terminal, CancellationToken cancellation)
    {
        try
        {
            model.Try(null, Needed.ToRun, null, terminal, cancellation);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static Func<Value, Random, int> Below(int limit) => (_, random) => random.Next(limit);

    private void Try(FixDimensionsOptions? sizes, Needed needs, string? otherwise, Terminal terminal, CancellationToken cancellation)
    {
        Model sized = Model;
        if (sizes is { IsEmpty: false })
        {
            sized = Model.Clone();
            new FixDimensionsPass(sizes).Run(sized, PassContext.None);
            RequireFitting(sized);
        }
        bool open = sized.Graph.Inputs.Any(v => !v.IsInitializer && v.Type?.AsTensor is not { FixedShape: not null });
        int[] limits = SampleInputs.DrawsIntegers(sized) ? [2, 8] : [2];
        IEnumerable<(Inputs? Sample, OpenSizes Size, int Limit)> candidates = Samples is { Count: > 0 } given ? [(given[0], new(1, 1), 2)]
            : (open ? OpenSizes.Tried : OpenSizes.Tried.Take(1)).SelectMany(size => limits.Select(limit => (SampleInputs.Make(sized, 1, size, Below(limit)), size, limit)));
        string reason = SampleInputs.Obstacle(sized) ?? "it is too large";
        foreach ((Inputs? candidate, OpenSizes size, int limit) in candidates)
        {
            if (candidate is null)
                continue; // too large
            GuardResult result = guard.Run(Path, [candidate], keepOutputs: false, cancellation: cancellation);
            if (result.Succeeded)
            {
                (ranOn, loads, OpenSizes, Integers) = (candidate, true, size, Below(limit));
                return;
            }
            ThrowUnlessRefused(result);
            reason = result.Reason;
            if (reason.StartsWith(EnginePrefix, StringComparison.Ordinal))
                break; // no input changes that
        }
        GuardResult loaded = guard.Load(Path, cancellation: cancellation);
        ThrowUnlessRefused(loaded);
        loads = loaded.Succeeded;
        if (Samples is not null && loads)
            throw new RuntimeException($"{Path} does not run on the input given: {reason}");
        string refusal = loaded.Reason.StartsWith(EnginePrefix, StringComparison.Ordinal) ? loaded.Reason[EnginePrefix.Length..] : loaded.Reason;
        if (Samples is not null)
            throw new RuntimeException($"ONNX Runtime does not load {Path}: {refusal}");
        string problem = loads ? $"ONNX Runtime loads {Path} but does not run it on made-up input ({reason}); give data with --data."
            : $"ONNX Runtime does not load {Path}: {refusal}";
        if (needs == Needed.ToRun || (needs == Needed.ToLoad && !loads && !(loadsRaised = LoadsRaised(cancellation))))
            throw new RuntimeException(otherwise is null ? problem : $"{problem.TrimEnd('.')}. {otherwise}");
        terminal.Say($"Warning: {problem}");
    }

    private bool LoadsRaised(CancellationToken cancellation)
    {
        Model raised = Model.Clone();
        if (!OpsetRaiser.TryRaise(raised))
            return false;
        using ScratchFolder folder = new();
        return guard.Load(TemporaryModel.Save(raised, folder), cancellation: cancellation).Succeeded;
    }

    /// <summary>Throws where the samples have other sizes than the model is to take.</summary>
    private void RequireFitting(Model sized)
    {
        foreach (Value input in sized.Graph.Inputs)
        {
            if (Samples is [var first, ..] && first.GetValueOrDefault(input.Name) is RuntimeValue.Dense { Tensor.Shape: var given } && input.Type?.AsTensor?.FixedShape is { } wanted && !given.SequenceEqual(wanted))
                throw new UsageException($"Samples of the data have the shape [{string.Join(", ", given)}] for input '{input.Name}', and by --dim or --input-shape the model would take [{string.Join(", ", wanted)}] only.");
        }
    }

    private void Verify(string temporary, CancellationToken cancellation)
    {
        if (!loads && !loadsRaised)
            return; // the input fails in the same way; the user was told
        GuardResult result = ranOn is { } sample ? guard.Run(temporary, [sample], keepOutputs: false, cancellation: cancellation) : guard.Load(temporary, cancellation: cancellation);
        if (!result.Succeeded)
            throw new RuntimeException($"The result was not written, since ONNX Runtime does not run it: {result.Reason}");
    }

    private void ThrowUnlessRefused(GuardResult result)
    {
        if (!result.Succeeded && result.Outcome != GuardOutcome.EngineError)
            throw new RuntimeException($"{Path}: {result.Reason}");
    }
}
