using Microsoft.ML.OnnxRuntime;
using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Runtime;

/// <summary>A model loaded by ONNX Runtime's CPU provider. Runs may be called from several threads.</summary>
public sealed class ModelSession : IDisposable
{
    private readonly InferenceSession session;
    private readonly ScratchFolder? folder;

    /// <summary>Loads a model from memory, under the options it carries; one with external data, or too large for a single file, by way of a temporary folder that lives as long as the session.</summary>
    /// <exception cref="RuntimeException">ONNX Runtime refuses it.</exception>
    public ModelSession(Model model, SessionSettings? settings = null)
    {
        settings = CarriedOptions.Join(settings ?? new(), model.Metadata);
        if (!TemporaryModel.IsNeeded(model))
        {
            session = Load(options => new(model.ToBytes(), options), settings);
            FreedMemory.GiveBack(); // the file, and what the engine read it into
            return;
        }
        folder = new();
        try
        {
            string path = TemporaryModel.Save(model, folder);
            session = Load(options => new(path, options), settings);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model file, under the options it carries.</summary>
    /// <exception cref="RuntimeException">ONNX Runtime refuses it.</exception>
    public ModelSession(string path, SessionSettings? settings = null) => session = Load(options => new(path, options), CarriedOptions.Join(settings ?? new(), path));

    /// <summary>Names of the inputs that must be fed.</summary>
    public IReadOnlyList<string> InputNames => session.InputNames;

    /// <summary>Names of the outputs.</summary>
    public IReadOnlyList<string> OutputNames => session.OutputNames;

    /// <summary>Names, types and declared shapes of the inputs that must be fed.</summary>
    public IReadOnlyList<ValueInfo> Inputs => [.. session.InputNames.Select(name => new ValueInfo(name, EngineTypes.Of(session.InputMetadata[name])))];

    /// <summary>Names, types and shapes of the outputs, as the engine infers them.</summary>
    public IReadOnlyList<ValueInfo> Outputs => [.. session.OutputNames.Select(name => new ValueInfo(name, EngineTypes.Of(session.OutputMetadata[name])))];

    /// <summary>Inputs that may be fed and have a default: overridable initializers.</summary>
    public IReadOnlyList<ValueInfo> OverridableInputs => [.. session.OverridableInitializerMetadata.Select(pair => new ValueInfo(pair.Key, EngineTypes.Of(pair.Value)))];

    internal InferenceSession Engine => session;

    /// <summary>Runs once. All inputs and outputs must be dense tensors.</summary>
    /// <param name="inputs">Tensors by input name; entries the model does not take are ignored.</param>
    /// <returns>Copies of all outputs by name.</returns>
    /// <exception cref="RuntimeException">An input is missing or has the wrong type or shape, or a node fails.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs) => Run(inputs, outputs: null);

    /// <summary>Runs once and returns chosen outputs, which must be dense tensors.</summary>
    /// <param name="inputs">Tensors by input name; entries the model does not take are ignored.</param>
    /// <param name="outputs">Names of the outputs wanted; null for all.</param>
    /// <returns>Copies of the outputs by name.</returns>
    /// <exception cref="RuntimeException">An input is missing or has the wrong type or shape, an output does not exist, or a node fails.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs, IReadOnlyCollection<string>? outputs)
    {
        Dictionary<string, Tensor> results = [];
        RunEngine(name => inputs.TryGetValue(name, out Tensor? tensor) ? OrtTensors.ToOrt(tensor) : null, outputs ?? session.OutputNames,
            (name, value) => results[name] = OrtTensors.FromOrt(value, name));
        return results;
    }

    /// <summary>Runs once with values of any kind: tensors, sequences, maps, optional values.</summary>
    /// <param name="inputs">Values by input name; entries the model does not take are ignored.</param>
    /// <param name="outputs">Names of the outputs wanted; null for all.</param>
    /// <returns>Copies of the outputs by name.</returns>
    /// <exception cref="RuntimeException">An input is missing or has the wrong type or shape, an output does not exist, or a node fails.</exception>
    public IReadOnlyDictionary<string, RuntimeValue> RunValues(IReadOnlyDictionary<string, RuntimeValue> inputs, IReadOnlyCollection<string>? outputs = null)
    {
        Dictionary<string, RuntimeValue> results = [];
        RunEngine(name => inputs.TryGetValue(name, out RuntimeValue? value) ? OrtValues.ToOrt(value) : null, outputs ?? session.OutputNames,
            (name, value) => results[name] = OrtValues.FromOrt(value));
        return results;
    }

    /// <summary>Runs once and lends each output to <paramref name="receive"/>, which must be done with it when it returns.</summary>
    internal void RunEngine(Func<string, OrtValue?> input, IReadOnlyCollection<string> outputs, Action<string, OrtValue> receive)
    {
        Dictionary<string, OrtValue> values = [];
        try
        {
            foreach (string name in session.InputNames)
            {
                values[name] = input(name)
                    ?? throw new RuntimeException($"Input '{name}' is not fed; the model takes {string.Join(", ", session.InputNames)}.");
            }
            foreach (string name in session.OverridableInitializerMetadata.Keys)
            {
                if (input(name) is { } value)
                    values[name] = value;
            }
            if (outputs.FirstOrDefault(name => !session.OutputMetadata.ContainsKey(name)) is { } unknown)
                throw new RuntimeException($"There is no output '{unknown}'; the model gives {string.Join(", ", session.OutputNames)}.");
            using RunOptions run = new();
            using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, values, outputs);
            int i = 0;
            foreach (string name in outputs)
                receive(name, results[i++]);
        }
        catch (OnnxRuntimeException e)
        {
            throw new RuntimeException($"ONNX Runtime cannot run the model: {EngineMessages.Clean(e.Message)}", e);
        }
        finally
        {
            foreach (OrtValue value in values.Values)
                value.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        FreedMemory.GiveBack();
        folder?.Dispose();
    }

    private static InferenceSession Load(Func<SessionOptions, InferenceSession> load, SessionSettings settings)
    {
        using SessionOptions options = Translate(settings);
        try
        {
            return load(options);
        }
        catch (OnnxRuntimeException e) when (e.Message.Contains("Unregistered TensorElementType", StringComparison.Ordinal))
        {
            throw new RuntimeException("ONNX Runtime's .NET interface has no inputs or outputs of 4-bit, 2-bit or 8-bit float types; put a Cast between them and the model.", e);
        }
        catch (OnnxRuntimeException e)
        {
            throw new RuntimeException($"ONNX Runtime cannot load the model: {EngineMessages.Clean(e.Message)}", e);
        }
    }

    internal static SessionOptions Translate(SessionSettings settings)
    {
        SessionOptions options = new()
        {
            IntraOpNumThreads = settings.Threads,
            InterOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
            GraphOptimizationLevel = settings.Optimization switch
            {
                EngineOptimization.None => GraphOptimizationLevel.ORT_DISABLE_ALL,
                EngineOptimization.Basic => GraphOptimizationLevel.ORT_ENABLE_BASIC,
                EngineOptimization.Extended => GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
                _ => GraphOptimizationLevel.ORT_ENABLE_ALL,
            },
        };
        if (settings.OptimizedModelPath is { } path)
            options.OptimizedModelFilePath = path;
        if (settings.ProfilePrefix is { } prefix)
        {
            options.ProfileOutputPathPrefix = prefix;
            options.EnableProfiling = true;
        }
        if (!settings.MemoryArena)
            options.EnableCpuMemArena = false;
        if (settings.DisabledOptimizers.Count > 0)
            options.AddSessionConfigEntry("optimization.disable_specified_optimizers", string.Join(';', settings.DisabledOptimizers));
        foreach ((string key, string value) in settings.Entries)
            options.AddSessionConfigEntry(key, value);
        return options;
    }
}
