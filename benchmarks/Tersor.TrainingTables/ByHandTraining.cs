using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Data;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace Tersor.TrainingTables;

/// <summary>The recipe followed with nothing but TorchSharp: what networks written by hand reach from random weights, to be put beside what files reach.</summary>
internal static class ByHandTraining
{
    public static int Run(string[] arguments, TextWriter output)
    {
        output.WriteLine("| network by hand | test accuracy of each seed | mean |");
        output.WriteLine("|---|---|---|");
        foreach ((string name, int epochs, int seeds, _) in FashionMnist.Networks.Where(n => arguments.Length == 0 || arguments.Contains(n.Name)))
        {
            double[] reached = [.. Enumerable.Range(0, seeds).Select(seed => One(name, epochs, seed))];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {string.Join(", ", reached.Select(a => a.ToString("F4", CultureInfo.InvariantCulture)))} | {reached.Average():F4} |"));
            output.Flush();
        }
        return 0;
    }

    /// <summary>Images and labels in the order they lie in.</summary>
    public static (Tensor Images, Tensor Labels)[] Batches(IDataSet data, int size) => [.. data.Samples().Chunk(size).Select(batch =>
        (tensor(batch.SelectMany(s => s.Steps[0].Values.First().ToFloats()).ToArray(), [batch.Length, 1, 28, 28]), tensor(batch.Select(s => s.Labels.Values.First().ToInt64s()[0]).ToArray())))];

    private static double One(string name, int epochs, int seed) => Runs.Once($"{name}-by-hand-{seed}", _ =>
    {
        TrainingSettings recipe = FashionMnist.Recipe(name, epochs);
        set_num_threads(1);
        manual_seed(seed);
        using IDisposable all = NewDisposeScope();
        (Tensor Images, Tensor Labels)[] whole = Batches(FashionMnist.Data(FashionMnist.Load(name), test: false).DataSet, int.MaxValue), test = Batches(FashionMnist.Data(FashionMnist.Load(name), test: true).DataSet, 500);
        (Tensor images, Tensor labels) = whole[0];
        using Module<Tensor, Tensor> network = HandWritten.Create(name);
        double smoothing = ((TrainingLoss.CrossEntropy)recipe.Loss).LabelSmoothing;
        int count = (int)images.shape[0], perEpoch = (count + recipe.BatchSize - 1) / recipe.BatchSize;
        using optim.Optimizer optimizer = optim.AdamW(network.parameters(), recipe.PeakLearningRate, weight_decay: recipe.WeightDecay);
        optim.lr_scheduler.LRScheduler schedule = optim.lr_scheduler.OneCycleLR(optimizer, recipe.PeakLearningRate, total_steps: perEpoch * epochs);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            using Tensor order = randperm(count);
            for (int b = 0; b < perEpoch; b++)
            {
                using IDisposable scope = NewDisposeScope();
                Tensor chosen = order.narrow(0, b * recipe.BatchSize, Math.Min(recipe.BatchSize, count - b * recipe.BatchSize)), x = images.index_select(0, chosen), y = labels.index_select(0, chosen);
                Tensor logarithms = F.log_softmax(network.forward(recipe.Augmentation.Flip > 0 && b % 2 == 1 ? x.flip(3) : x), 1);
                Tensor loss = (1 - smoothing) * F.nll_loss(logarithms, y) - smoothing * logarithms.mean();
                optimizer.zero_grad();
                loss.backward();
                nn.utils.clip_grad_norm_(network.parameters(), 1);
                optimizer.step();
                schedule.step();
            }
            Console.Error.WriteLine($"{name} by hand, seed {seed}: epoch {epoch + 1}/{epochs}");
        }
        network.eval();
        using IDisposable forward = no_grad();
        double right = 0;
        foreach ((Tensor x, Tensor y) in test)
        {
            using IDisposable scope = NewDisposeScope();
            right += network.forward(x).argmax(1).eq(y).sum().item<long>();
        }
        return right / test.Sum(t => t.Labels.shape[0]);
    });
}
