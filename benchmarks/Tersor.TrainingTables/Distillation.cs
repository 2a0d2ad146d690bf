using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Training;

namespace Tersor.TrainingTables;

/// <summary>A student with a tenth of its teacher's weights, from random weights, in the same number of steps: by hard labels, by the teacher's soft answers, and by way of an assistant. Where only some images have labels, hard labels train on those, and the teacher answers for all images, none of whose labels is looked at. Kept and resumed like training from scratch.</summary>
internal static class Distillation
{
    private const int Seeds = 3, Steps = 938, Few = 3000;

    private static readonly string[] Ways = ["hard", "soft", "progressive"];

    public static int Run(TextWriter output)
    {
        Model teacher = FashionMnist.Load("fmnist_resnet"), student = Narrow(teacher, 0.31);
        output.WriteLine($"Teacher: {Weights(teacher):N0} weights, test accuracy {Runs.Accuracy(teacher):F4}; student: {Weights(student):N0}; assistant: {Weights(Narrow(teacher, 0.56)):N0}. {Steps} steps of 128, {Seeds} seeds.");
        output.WriteLine();
        output.WriteLine("| labelled images | way | test accuracy | standard error | above hard labels, standard errors |");
        output.WriteLine("|---|---|---|---|---|");
        foreach (int labelled in (int[])[60_000, Few])
        {
            (double Mean, double Error) hard = default;
            foreach (string way in Ways)
            {
                double[] reached = [.. Enumerable.Range(0, Seeds).Select(seed => One(teacher, labelled, way, seed))];
                (double Mean, double Error) now = (reached.Average(), Math.Sqrt(reached.Sum(a => (a - reached.Average()) * (a - reached.Average())) / (Seeds - 1) / Seeds));
                hard = way == "hard" ? now : hard;
                string above = way == "hard" ? "" : ((now.Mean - hard.Mean) / Math.Sqrt(now.Error * now.Error + hard.Error * hard.Error)).ToString("F1", CultureInfo.InvariantCulture);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {labelled} | {way} | {now.Mean:F4} | {now.Error:F4} | {above} |"));
                output.Flush();
            }
        }
        return 0;
    }

    private static double One(Model teacher, int labelled, string way, int seed) => Runs.Once($"student-{labelled}-{way}-{seed}", start =>
    {
        IDataSet all = FashionMnist.Data(teacher, test: false).DataSet, data = way == "hard" && labelled < all.Count ? all.Take(labelled, 1, stratified: true) : all;
        TrainingSettings settings = FashionMnist.Recipe("fmnist_resnet", (Steps * 128 + data.Count - 1) / data.Count) with { MaxSteps = Steps, Seed = seed, Augmentation = new(), Loss = new TrainingLoss.CrossEntropy(), Checkpoint = $"{start}.ckpt" };
        TrainingJob job = new(Narrow(teacher, 0.31), data, settings) { Distillation = way != "hard" && labelled < all.Count ? new() { Alpha = 1 } : null };
        Runs.Lines lines = new(Path.GetFileName(start));
        Model result = way == "hard" ? new Trainer(job).Run(lines).Model
            : new ProgressiveDistillation(job with { Teachers = [teacher] }, way == "progressive" ? [Narrow(teacher, 0.56)] : []).Run(new Linked(lines))[^1].Model;
        return Runs.Accuracy(result);
    });

    /// <summary>The network with fewer channels: every width of 32 and more times a factor. Its numbers are of no use before training starts from random ones.</summary>
    private static Model Narrow(Model model, double factor)
    {
        Model narrow = model.Clone();
        foreach (Value weight in narrow.Graph.Initializers.Where(v => v.Tensor!.Type == ElementType.Float32))
        {
            long[] shape = [.. weight.Tensor!.Shape];
            for (int i = 0; i < Math.Min(shape.Length, 2); i++)
                shape[i] = shape[i] >= 32 ? (long)Math.Round(shape[i] * factor) : shape[i];
            weight.SetTensor(Tensor.Create(shape, new float[shape.Aggregate(1L, (a, b) => a * b)]));
        }
        return narrow;
    }

    private static long Weights(Model model) => model.Graph.Initializers.Sum(v => v.Tensor!.Length);

    private sealed class Linked(IProgress<TrainingProgress> lines) : IProgress<(int Link, TrainingProgress Progress)>
    {
        public void Report((int Link, TrainingProgress Progress) value) => lines.Report(value.Progress);
    }
}
