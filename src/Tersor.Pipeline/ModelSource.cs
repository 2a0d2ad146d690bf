using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline;

/// <summary>A model that a job is given: a file, or one in memory. Either converts to it by itself.</summary>
public sealed record ModelSource
{
    private readonly Model? model;
    private readonly string? path;

    /// <param name="path">The file.</param>
    public ModelSource(string path) => (Name, this.path) = (path, path);

    /// <param name="model">The model.</param>
    /// <param name="name">What it is called in results and messages.</param>
    public ModelSource(Model model, string name = "model") => (Name, this.model) = (name, model);

    /// <summary>What it is called in results and messages: the path of a file.</summary>
    public string Name { get; }

    /// <summary>A file.</summary>
    public static implicit operator ModelSource(string path) => new(path);

    /// <summary>A model in memory.</summary>
    public static implicit operator ModelSource(Model model) => new(model);

    /// <summary>The model in memory, or the file read.</summary>
    /// <exception cref="OnnxException">The file is no model.</exception>
    public Model Load() => model ?? Model.Load(path!);

    /// <summary>A session of it.</summary>
    /// <exception cref="RuntimeException">It does not load; the message begins with its name.</exception>
    internal ModelSession Open(SessionSettings settings)
    {
        try
        {
            return model is not null ? new(model, settings) : new(path!, settings);
        }
        catch (RuntimeException e)
        {
            throw new RuntimeException($"{Name}: {e.Message}", e);
        }
    }
}
