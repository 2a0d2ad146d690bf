using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Onnx.Editing;

namespace Tersor.Compression.Training.Students;

/// <summary>Makes a student from its teacher: the same model with fewer residual blocks, and the weights of those that stay.</summary>
/// <remarks>Source for a student of evenly spread layers that starts from their weights: Sanh et al. 2019, arXiv:1910.01108, section 2.</remarks>
public static class ShallowStudent
{
    /// <summary>Longest pattern that layers are taken to repeat in: attention and a pair of matrices are 2, with a second attention 3.</summary>
    private const int LongestPattern = 4;

    /// <summary>Derives a student.</summary>
    /// <param name="teacher">Not modified.</param>
    /// <param name="keep">Share of the blocks that stay, 0..1, rounded to whole ones and evenly spread. Blocks that make up one layer, as attention and what follows it, stay or go together.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="keep"/> is outside 0..1.</exception>
    /// <exception cref="TrainingException">The model has no residual block that could go.</exception>
    public static Model Derive(Model teacher, double keep)
    {
        if (!(keep is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(keep), keep, "Expected 0..1.");
        Model student = teacher.Clone();
        FunctionInliner.InlineAll(student);
        ResidualBlock[][] layers = Layers(ResidualBlock.Find(student));
        if (layers.Length == 0)
            throw new TrainingException("No part of the teacher adds something to a value of the same shape, so nothing can be left out. Name a student of your own.");
        int kept = (int)Math.Round(keep * layers.Length, MidpointRounding.AwayFromZero);
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            if ((i + 1) * kept / layers.Length > i * kept / layers.Length)
                continue;
            // From the last to the first: what a block skips is not replaced yet.
            foreach (ResidualBlock block in layers[i].Reverse())
                block.Add.Outputs[0]!.ReplaceAllUsesWith(block.Skipped);
        }
        new RemoveUnreachablePass().Run(student, PassContext.None);
        return student;
    }

    /// <summary>How many blocks of a model could go.</summary>
    public static int CountBlocks(Model model)
    {
        Model inlined = model.Clone();
        FunctionInliner.InlineAll(inlined);
        return ResidualBlock.Find(inlined).Count;
    }

    private static ResidualBlock[][] Layers(IReadOnlyList<ResidualBlock> blocks)
    {
        int period = Enumerable.Range(1, LongestPattern).FirstOrDefault(p => blocks.Count % p == 0 && blocks.Count > p && Enumerable.Range(0, blocks.Count - p).All(i => blocks[i].Kind == blocks[i + p].Kind), 1);
        return [.. blocks.Chunk(period)];
    }
}
