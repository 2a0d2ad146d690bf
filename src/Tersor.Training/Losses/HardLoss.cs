using Tersor.Compression.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tersor.Training.Losses;

/// <summary>Losses between a model's output and labels. Means over everything that is judged.</summary>
internal static class HardLoss
{
    /// <summary>The loss.</summary>
    /// <param name="loss">Which one; not <see cref="TrainingLoss.Auto"/> or <see cref="TrainingLoss.None"/>.</param>
    /// <param name="output">What the model gives: logits for losses of classes.</param>
    /// <param name="axis">Axis of the classes; null: the second of two or four axes, else the last.</param>
    /// <param name="label">The right answers.</param>
    /// <param name="lengths">Of labels, for connectionist temporal classification: how many symbols each sample has.</param>
    public static Tensor Of(TrainingLoss loss, Tensor output, int? axis, Tensor label, Tensor? lengths)
    {
        switch (loss)
        {
            case TrainingLoss.CrossEntropy cross:
                using (Tensor classes = ClassesSecond(output, axis))
                {
                    if (label.numel() == output.numel() && classes.shape[1] > 1)
                    {
                        // One number for each class: its share.
                        using Tensor given = label.to_type(output.dtype).reshape(output.shape), shares = ClassesSecond(given, axis);
                        return functional.cross_entropy(classes, shares, label_smoothing: cross.LabelSmoothing);
                    }
                    using Tensor target = label.to_type(ScalarType.Int64).reshape(Targets(classes, label));
                    CheckClasses(target, classes.shape[1]);
                    return functional.cross_entropy(classes, target, label_smoothing: cross.LabelSmoothing);
                }
            case TrainingLoss.BinaryCrossEntropy:
                using (Tensor target = OneByOne(label, output))
                    return functional.binary_cross_entropy_with_logits(output, target);
            case TrainingLoss.MeanSquaredError:
                using (Tensor target = OneByOne(label, output))
                    return functional.mse_loss(output, target);
            case TrainingLoss.MeanAbsoluteError:
                using (Tensor target = OneByOne(label, output))
                    return functional.l1_loss(output, target);
            case TrainingLoss.Ctc ctc:
                if (lengths is null)
                    throw new TrainingException("Labels are numbers, and connectionist temporal classification (ctc) compares texts. Choose another loss (--loss), or give data with text labels.");
                if (output.dim() != 3)
                    throw new TrainingException($"Connectionist temporal classification (ctc) wants an output [samples, positions, symbols]; this one is [{string.Join(',', output.shape)}]. Name another (--loss-output).");
                using (Tensor positions = functional.log_softmax(output, -1))
                using (Tensor first = positions.transpose(0, 1))
                using (Tensor sizes = full([output.shape[0]], output.shape[1], ScalarType.Int64))
                    return functional.ctc_loss(first, label, sizes, lengths, ctc.Blank, zero_infinity: true);
            default:
                throw new ArgumentException($"{loss} compares with nothing.", nameof(loss));
        }
    }

    /// <summary>An output with its classes on the second axis, as libtorch wants them.</summary>
    public static Tensor ClassesSecond(Tensor output, int? axis)
    {
        int rank = (int)output.dim();
        int place = axis is { } given ? given < 0 ? given + rank : given : rank is 2 or 4 ? 1 : rank - 1;
        return rank < 2 ? output.unsqueeze(0) : place == 1 ? output.alias() : output.movedim([place], [1]);
    }

    /// <summary>Labels in the shape of the output: one for each of its numbers.</summary>
    private static Tensor OneByOne(Tensor label, Tensor output)
    {
        if (label.numel() != output.numel())
            throw new TrainingException($"Labels hold [{string.Join(',', label.shape)}] for an output [{string.Join(',', output.shape)}], and this loss compares number with number. Name the output they belong to (--loss-output), or another loss (--loss).");
        using Tensor typed = label.to_type(output.dtype);
        return typed.reshape(output.shape);
    }

    private static void CheckClasses(Tensor target, long classes)
    {
        using IDisposable _ = NewDisposeScope();
        if (target.numel() == 0 || target.max().item<long>() is var greatest && target.min().item<long>() is var least && least >= 0 && greatest < classes)
            return;
        throw new TrainingException($"Labels hold classes {target.min().item<long>()} to {target.max().item<long>()}, and the output has {classes}: 0 to {classes - 1} are expected. Name the output they belong to (--loss-output), or another loss (--loss).");
    }

    private static long[] Targets(Tensor classes, Tensor label)
    {
        long[] expected = [.. classes.shape.Where((_, i) => i != 1)];
        return expected.Aggregate(1L, (a, b) => a * b) == label.numel() ? expected
            : throw new TrainingException($"Labels have shape [{string.Join(',', label.shape)}], which is not one class for each of [{string.Join(',', classes.shape)}].");
    }
}
