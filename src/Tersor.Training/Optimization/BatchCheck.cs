using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Losses;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>Whether models can be fed several samples at once. A graph that was exported for one may have that written into its shapes, and then either fails on two, or mixes them.</summary>
internal static class BatchCheck
{
    /// <summary>How far numbers of a sample may lie apart, alone and in a batch, as a share of the largest.</summary>
    private const double Tolerance = 1e-3;

    /// <summary>Who takes only one sample at a time, in words; null: nobody.</summary>
    /// <param name="graph">The model that is trained.</param>
    /// <param name="wanted">What of it is looked at.</param>
    /// <param name="teachers">Models it learns from.</param>
    /// <param name="reader">The samples.</param>
    public static string? Obstacle(TrainableGraph graph, IReadOnlyList<Value> wanted, IReadOnlyList<Teacher> teachers, TrainingReader reader)
    {
        if (reader.IsSequential || reader.BatchSize == 1 || reader.Data.Count < 2)
            return null;
        using IDisposable _ = no_grad();
        using IDisposable scope = NewDisposeScope();
        graph.Refresh();
        Dictionary<string, Tensor> first = Sample(reader, 0), second = Sample(reader, 1);
        if (first.Any(i => i.Value.dim() == 0 || !i.Value.shape.SequenceEqual(second[i.Key].shape)))
            second = first; // what differs in size is padded in a batch, and says nothing
        if (first.Values.Any(v => v.dim() == 0))
            return null;
        if (!Agrees(graph.Program.Model, inputs => [.. graph.Program.Run(inputs, wanted).Select(r => r as Tensor)], first, second))
            return "the graph takes";
        foreach (Teacher teacher in teachers)
        {
            bool agrees = Agrees(teacher.Model, inputs => teacher.Run(inputs, teacher.Answers, 0), first, second);
            teacher.Begin();
            if (!agrees)
                return "a teacher takes";
        }
        return null;
    }

    private static bool Agrees(Model model, Func<IReadOnlyDictionary<string, Tensor>, Tensor?[]> run, IReadOnlyDictionary<string, Tensor> first, IReadOnlyDictionary<string, Tensor> second)
    {
        Tensor?[] alone = run(first), together;
        try
        {
            together = run(first.ToDictionary(i => i.Key, i => cat([i.Value, second[i.Key]], 0)));
        }
        catch (TrainingException)
        {
            return false;
        }
        // Where the batch is declared open, what a model gives for it is as it should be, whatever axis it lies on.
        bool isFixed = model.Graph.Inputs.Any(i => !i.IsInitializer && i.Type?.AsTensor?.Shape is [{ Size: 1 }, ..]);
        return !isFixed || alone.Zip(together).All(p => p is not { First: { } one, Second: { } two } || IsFirst(one, two));
    }

    /// <summary>Whether the first half of what two samples gave is what the first gave alone.</summary>
    private static bool IsFirst(Tensor alone, Tensor together)
    {
        if (alone.dim() == 0 || together.dim() != alone.dim() || together.shape[0] != 2 * alone.shape[0] || !together.shape.AsSpan(1).SequenceEqual(alone.shape.AsSpan(1)))
            return false;
        if (!alone.is_floating_point() || alone.numel() == 0)
            return true;
        Tensor difference = (together.narrow(0, 0, alone.shape[0]) - alone).abs().nan_to_num(0).max();
        return difference.item<float>() <= Tolerance * (1 + alone.abs().nan_to_num(0).max().item<float>());
    }

    private static Dictionary<string, Tensor> Sample(TrainingReader reader, int index)
    {
        using TrainingSequence sequence = reader.Alone(index);
        return sequence.Steps[0].ToDictionary(i => i.Key, i => i.Value.alias());
    }
}
