using Tersor.Compression.Pruning.Channels;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Roles;

namespace Tersor.Compression.Training.Students;

/// <summary>Makes a student from its teacher: the same model with fewer channels, and the weights of those that stay.</summary>
/// <remarks>The channels whose weights are largest stay: Li et al. 2017, arXiv:1608.08710, section 3.1, with squares in place of magnitudes. Channels that a sum ties together stay or go together.</remarks>
public static class NarrowStudent
{
    /// <summary>Derives a student.</summary>
    /// <param name="teacher">Not modified.</param>
    /// <param name="keep">Share of the channels of every layer that stays, above 0 and at most 1, rounded to whole ones and at least one. What the model takes and gives out stays as it is.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="keep"/> is outside that.</exception>
    /// <exception cref="TrainingException">The model has no channels that could go.</exception>
    public static Model Derive(Model teacher, double keep)
    {
        if (!(keep is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(keep), keep, "Expected above 0 and at most 1.");
        Model student = teacher.Clone();
        FunctionInliner.InlineAll(student);
        ConstantSplitter.SplitByRole(student); // equal numbers of two layers are no reason to narrow both alike
        ChannelGroups groups = ChannelGroups.Find(student);
        if (!groups.All.Any(g => g.Channels > 1))
            throw new TrainingException($"The teacher has no channels that could go. {Reasons(groups)}. Name a student of your own.");
        groups.Keep(groups.All.ToDictionary(g => g, g => Largest(g.Magnitudes(), keep)));
        return student;
    }

    private static string Reasons(ChannelGroups groups) => groups.Kept.Count > 0 ? string.Join("; ", groups.Kept.Take(3).Select(k => $"{k.Channels} stay: {k.Reason}"))
        : "No layer reads a constant as its weight; where exporters left constants to be computed, 'tersor optimize' puts the weights where layers read them";

    private static int[] Largest(double[] magnitudes, double keep)
    {
        int count = Math.Max(1, (int)Math.Round(keep * magnitudes.Length, MidpointRounding.AwayFromZero));
        return [.. Enumerable.Range(0, magnitudes.Length).OrderByDescending(c => magnitudes[c]).Take(count).Order()];
    }
}
