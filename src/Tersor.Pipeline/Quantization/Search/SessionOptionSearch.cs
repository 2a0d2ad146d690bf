using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Finds session options under which a model runs faster: rewrites of the engine that do not pay for it.</summary>
internal static class SessionOptionSearch
{
    /// <summary>An option must make the model at least this much faster, at the lower end of the interval.</summary>
    private const double Least = 1.02;

    /// <summary>Rewrites that were seen not to pay, each with the operators without which it does nothing.</summary>
    private static readonly (string Optimizer, string[] Operators)[] Suspects =
    [
        ("SkipLayerNormFusion", ["LayerNormalization", "ReduceMean"]),
        ("MatMulAddFusion", ["MatMul"]),
        ("NchwcTransformer", ["Conv"]),
    ];

    /// <summary>Options by the engine's key; empty where none helps.</summary>
    /// <param name="model">The model as it would be written.</param>
    /// <param name="sample">What is fed.</param>
    /// <param name="session">How to run.</param>
    /// <param name="time">Bounds it.</param>
    /// <param name="progress">Told a share 0..1.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyDictionary<string, string> Run(Model model, Sample sample, SessionSettings session, TimeLimit time, IProgress<double>? progress, CancellationToken cancellation)
    {
        HashSet<string> operators = [.. model.AllNodes().Select(n => n.OpType)];
        string[] open = [.. Suspects.Where(s => s.Operators.Any(operators.Contains)).Select(s => s.Optimizer)];
        if (open.Length == 0 || time.IsOver)
            return new Dictionary<string, string>();
        string[][] sets = [[], .. open.Select(o => new[] { o }), .. open.Length > 1 ? [open] : Array.Empty<string[]>()];
        var measured = SpeedCheck.Measure([.. sets.Select(s => Under(model, s))], sample, session, time, progress, cancellation);
        int best = Enumerable.Range(1, sets.Length - 1).MaxBy(i => measured[i].SpeedUp.Median);
        return measured[best].SpeedUp.Low < Least ? new Dictionary<string, string>() : Options(sets[best]);
    }

    private static Model Under(Model model, string[] disabled)
    {
        Model copy = model.Clone();
        CarriedOptions.Set(copy, Options(disabled));
        return copy;
    }

    private static Dictionary<string, string> Options(string[] disabled) => disabled.Length == 0 ? [] : new() { [CarriedOptions.DisabledOptimizers] = string.Join(';', disabled) };
}
