using Microsoft.ML.OnnxRuntime;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>A model loaded by ONNX Runtime's CPU provider. Runs may be called from several threads.</summary>
public sealed class ModelSession : IDisposable
{
    private readonly InferenceSession session;

    /// <summary>Loads a model from memory.</summary>
    /// <exception cref="RuntimeException">ONNX Runtime refuses it.</exception>
    public ModelSession(Model model, SessionSettings? settings = null)
        : this(options => new(model.ToBytes(), options), settings ?? new())
    {
    }

    /// <summary>Loads a model file.</summary>
    /// <exception cref="RuntimeException">ONNX Runtime refuses it.</exception>
    public ModelSession(string path, SessionSettings? settings = null)
        : this(options => new(path, options), settings ?? new())
    {
    }

    private ModelSession(Func<SessionOptions, InferenceSession> load, SessionSettings settings)
    {
        using SessionOptions options = Translate(settings);
        try
        {
            session = load(options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new RuntimeException($"ONNX Runtime cannot load the model: {e.Message}", e);
        }
    }

    /// <summary>Names of the inputs that must be fed.</summary>
    public IReadOnlyList<string> InputNames => session.InputNames;

    /// <summary>Names of the outputs.</summary>
    public IReadOnlyList<string> OutputNames => session.OutputNames;

    /// <summary>Runs once. All inputs and outputs must be dense tensors.</summary>
    /// <param name="inputs">Tensors by input name; entries the model does not take are ignored.</param>
    /// <returns>Copies of all outputs by name.</returns>
    /// <exception cref="RuntimeException">An input is missing or has the wrong type or shape, or a node fails.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs)
    {
        Dictionary<string, OrtValue> values = [];
        try
        {
            foreach (string name in session.InputNames)
            {
                if (inputs.TryGetValue(name, out Tensor? tensor))
                    values[name] = OrtTensors.ToOrt(tensor);
                else
                    throw new RuntimeException($"Input '{name}' is not fed; the model takes {string.Join(", ", session.InputNames)}.");
            }
            using RunOptions run = new();
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run, values, session.OutputNames);
            return session.OutputNames.Zip(outputs).ToDictionary(pair => pair.First, pair => OrtTensors.FromOrt(pair.Second));
        }
        catch (OnnxRuntimeException e)
        {
            throw new RuntimeException($"ONNX Runtime cannot run the model: {e.Message}", e);
        }
        finally
        {
            foreach (OrtValue value in values.Values)
                value.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

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
        if (settings.DisabledOptimizers.Count > 0)
            options.AddSessionConfigEntry("optimization.disable_specified_optimizers", string.Join(';', settings.DisabledOptimizers));
        foreach ((string key, string value) in settings.Entries)
            options.AddSessionConfigEntry(key, value);
        return options;
    }
}
