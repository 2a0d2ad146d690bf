using Tersor.Data;
using Tersor.Onnx.Files;
using Tersor.Runtime.Guard;

namespace Tersor.Runtime;

/// <summary>Loads and runs model files in a child process with limits on time and memory, since a hostile or unlucky file can crash the engine.</summary>
/// <remarks>The child is started at the first request, serves further ones, and is replaced after it died. Requests are served one at a time.</remarks>
public sealed class ModelGuard : IDisposable
{
    /// <summary>A child that was not asked for so long ends: it keeps as much memory as the largest model took that it ran. The next request starts another.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);

    private readonly Lock oneAtATime = new();
    private readonly Timer rest;
    private GuardedProcess? child;

    /// <summary>Starts no child yet.</summary>
    public ModelGuard() => rest = new(_ => Rest());

    /// <summary>Start a child of its own for every request: peak memory then knows nothing of earlier models. Default false.</summary>
    public bool FreshProcess { get; init; }

    /// <summary>What models may use where a request does not say. Default: limits that follow from each model's size.</summary>
    public GuardLimits Limits { get; init; } = new();

    /// <summary>Loads a model and runs it once for each step.</summary>
    /// <param name="modelPath">The model file.</param>
    /// <param name="steps">Inputs by name, one dictionary a run; inputs missing from a later one are fed from outputs, as <paramref name="feedback"/> says. Empty: only load.</param>
    /// <param name="feedback">Output name → input name.</param>
    /// <param name="settings">How the engine loads and runs it.</param>
    /// <param name="limits">What it may use; null: <see cref="Limits"/>.</param>
    /// <param name="keepOutputs">False to drop the outputs: when only success counts.</param>
    /// <param name="cancellation">Ends the child.</param>
    /// <returns>What became of it. A model that fails is a result, not an exception.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public GuardResult Run(string modelPath, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> steps, IReadOnlyDictionary<string, string>? feedback = null,
        SessionSettings? settings = null, GuardLimits? limits = null, bool keepOutputs = true, CancellationToken cancellation = default) =>
        Run(modelPath, steps, feedback, settings, limits, keepOutputs, repetitions: 1, cancellation);

    internal int? ChildId => child?.Id;

    internal GuardResult Run(string modelPath, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> steps, IReadOnlyDictionary<string, string>? feedback,
        SessionSettings? settings, GuardLimits? limits, bool keepOutputs, int repetitions, CancellationToken cancellation)
    {
        string path = Path.GetFullPath(modelPath);
        if (!File.Exists(path))
            throw new FileNotFoundException($"{modelPath}: no such file.", modelPath);
        long size = ModelSize.Of(path);
        limits ??= Limits;
        lock (oneAtATime)
        {
            using ScratchFolder folder = new();
            try
            {
                for (int i = 0; i < steps.Count; i++)
                    ValueFile.Write(GuardChild.InputFile(folder.Path, i), steps[i]);
                GuardRequest request = new(path, folder.Path, settings ?? new(), steps.Count, steps.Count == 0, keepOutputs,
                    feedback is null ? [] : feedback.ToDictionary(), repetitions);
                if (FreshProcess || child is not { IsAlive: true })
                {
                    child?.Dispose();
                    child = GuardedProcess.Start();
                }
                (GuardResult result, GuardResponse? response) = child.Serve(request, limits.TimeFor(size), limits.MemoryFor(size), cancellation);
                if (!result.Succeeded || !keepOutputs)
                    return result;
                return result with { Outputs = [.. Enumerable.Range(0, response!.Steps).Select(i => ValueFile.Read(GuardChild.OutputFile(folder.Path, i)))] };
            }
            catch (RuntimeException e)
            {
                return new(GuardOutcome.NotStarted, e.Message);
            }
            finally
            {
                rest.Change(Idle, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Loads a model and runs it on a sample.</summary>
    /// <inheritdoc cref="Run(string, IReadOnlyList{IReadOnlyDictionary{string, RuntimeValue}}, IReadOnlyDictionary{string, string}?, SessionSettings?, GuardLimits?, bool, CancellationToken)"/>
    public GuardResult Run(string modelPath, Sample sample, IReadOnlyDictionary<string, string>? feedback = null,
        SessionSettings? settings = null, GuardLimits? limits = null, bool keepOutputs = true, CancellationToken cancellation = default) =>
        Run(modelPath, [.. sample.Steps.Select(step => step.ToDictionary(pair => pair.Key, pair => (RuntimeValue)pair.Value))], feedback, settings, limits, keepOutputs, cancellation);

    /// <summary>Loads a model without running it.</summary>
    /// <inheritdoc cref="Run(string, IReadOnlyList{IReadOnlyDictionary{string, RuntimeValue}}, IReadOnlyDictionary{string, string}?, SessionSettings?, GuardLimits?, bool, CancellationToken)"/>
    public GuardResult Load(string modelPath, SessionSettings? settings = null, GuardLimits? limits = null, CancellationToken cancellation = default) =>
        Run(modelPath, [], null, settings, limits, keepOutputs: false, cancellation);

    /// <summary>Ends the child.</summary>
    public void Dispose()
    {
        rest.Dispose();
        Rest();
    }

    private void Rest()
    {
        lock (oneAtATime)
        {
            child?.Dispose();
            child = null;
        }
    }
}
