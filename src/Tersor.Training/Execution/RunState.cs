using Tersor.Onnx;
using static TorchSharp.torch;

namespace Tersor.Training.Execution;

/// <summary>How a graph is run, as operators see it.</summary>
internal sealed class RunState
{
    /// <summary>What floating-point numbers are carried in; null: as the model has them. Float64 for checking gradients.</summary>
    public ScalarType? Reals { get; init; }

    /// <summary>True while training: normalizations may use the batch's statistics, dropout drops.</summary>
    public bool Training { get; set; }

    /// <summary>Random numbers; null: libtorch's own.</summary>
    public Generator? Random { get; set; }

    /// <summary>The batch size the model was exported with, which may stand in constants of it, and the one that is fed; null: the same, or any. Found anew in every run.</summary>
    public (long Declared, long Actual)? Batch { get; set; }

    /// <summary>Runs a body of a node: its inputs in order, its outputs in order. What it gives is owned by the caller.</summary>
    public Func<Graph, IReadOnlyList<object?>, object?[]> RunBody { get; set; } = (_, _) => throw new InvalidOperationException("Nothing runs bodies here.");

    /// <summary>Whether a BatchNormalization uses the statistics of the batch while training. Default: none does.</summary>
    public Func<Node, bool> NormalizesBatch { get; set; } = _ => false;

    /// <summary>Types of the model's values, as far as they can be told without running it.</summary>
    public InferredTypes? Types { get; init; }

    /// <summary>Told what a normalization that trains found: the value that holds the statistic, and its new value, which lasts as long as the call. Null: nobody keeps them.</summary>
    public Action<Value, Tensor>? KeepStatistic { get; set; }
}
