using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Looks for made-up inputs that a model takes: several sizes of open dimensions, and integers the model itself compares its inputs with.</summary>
internal sealed class SampleSearch(Model model, IReadOnlyDictionary<string, long>? dimensions, IModelRunner runner)
{
    private readonly Model exposed = Logits.Expose(model);
    private readonly List<IReadOnlyDictionary<string, RuntimeValue>> samples = [];
    private List<IReadOnlyDictionary<string, RuntimeValue>> outputs = [];

    /// <summary>Samples and the model's outputs, or none and the engine's reason.</summary>
    public (List<IReadOnlyDictionary<string, RuntimeValue>> Samples, List<IReadOnlyDictionary<string, RuntimeValue>> Outputs) Run(ref string? reason)
    {
        bool open = model.Graph.Inputs.Any(v => !v.IsInitializer && v.Type?.AsTensor is not { FixedShape: not null });
        int wanted = open ? 2 : 1;
        bool draws = SampleInputs.DrawsIntegers(model);
        (long First, long Others) found = (1, 1);
        foreach ((long first, long others) in OpenSizes.Tried)
        {
            if (Try(first, others, (_, random) => random.Next(2), ref reason) || (draws && Try(first, others, (_, random) => random.Next(8), ref reason)))
                found = (first, others);
            if (samples.Count == wanted || !open || reason?.Contains("cannot load", StringComparison.Ordinal) == true)
                break;
        }
        // A branch taken only for one value of an input is not verified by any other value.
        foreach (int value in samples.Count == 0 ? [] : Compared().Take(4))
            Try(found.First, found.Others, (input, random) => input.Type?.AsTensor?.FixedShape is { Length: 0 } ? value : random.Next(2), ref reason);
        reason = samples.Count == 0 ? reason : null;
        // Draws of one session go on from sample to sample: changed models are run on all of them in one.
        if (samples.Count > 1 && model.AllNodes().Any(RandomSeeds.Draws))
            outputs = [.. runner.Run(exposed, samples, ModelVerifier.AsWritten)];
        return (samples, outputs);
    }

    private bool Try(long first, long others, Func<Value, Random, int> integer, ref string? reason)
    {
        OpenSizes sizes = new(first, others) { Named = dimensions ?? new Dictionary<string, long>() };
        if (SampleInputs.Make(model, seed: 1 + samples.Count, sizes, integer) is not { } sample)
            return false;
        try
        {
            outputs.Add(runner.Run(exposed, [sample], ModelVerifier.AsWritten)[0]);
            samples.Add(sample);
            return true;
        }
        catch (RuntimeException e)
        {
            reason = e.Message;
            return false;
        }
    }

    /// <summary>Integers that scalar inputs are compared with.</summary>
    private IEnumerable<int> Compared() => model.Graph.Inputs
        .Where(v => !v.IsInitializer && v.Type?.AsTensor is { FixedShape: [] } type && type.ElementType is ElementType.Int32 or ElementType.Int64)
        .SelectMany(v => v.Uses).Where(u => u.Node.Is("Equal", "Greater", "Less"))
        .Select(u => u.Node.Input(1 - u.Index)?.Constant).OfType<Tensor>().Where(t => t is { Length: 1, Type: ElementType.Int32 or ElementType.Int64 })
        .Select(t => (int)Math.Clamp(t.ToInt64s()[0], int.MinValue, int.MaxValue)).Distinct();
}
