using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Data.Tests;

/// <summary>From a description in samples/ to a figure, on a few samples of every real model.</summary>
public sealed class EndToEndTests
{
    [Theory]
    [InlineData("ocr_rec", "test-clean", 8, "ctc-accuracy", 0.99, 1)]
    [InlineData("ocr_rec", "test-degraded", 8, "ctc-accuracy", 0.95, 1)]
    [InlineData("ocr_cls", "test", 20, "top-1", 0.9, 1)]
    [InlineData("ocr_det", "test", 1, "detection-f1", 0.8, 1)]
    [InlineData("vad_lstm", "test", 2, "auc", 0.97, 1)]
    [InlineData("vad_lstm", "test", 2, "threshold-accuracy", 0.92, 1)]
    [InlineData("lines_mlsd", "test", 1, "cosine", 1, 1)]
    public void Real_models_reach_their_accuracy(string name, string split, int samples, string metric, double least, double most)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Assert.InRange(Measure(name, name, split, samples, metric, SharedFiles.Root), least, most);
    }

    [Theory]
    [InlineData("fmnist_cnn")]
    [InlineData("fmnist_lenet300")]
    [InlineData("fmnist_vit")]
    [InlineData("fmnist_lstm")]
    public void Classifiers_reach_their_accuracy(string model)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Assert.SkipUnless(File.Exists("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"), "needs Fashion-MNIST (Debian package dataset-fashion-mnist)");
        Assert.InRange(Measure(model, "fmnist", "test", 200, "top-1", root: null), 0.82, 0.97);
    }

    private static double Measure(string modelName, string description, string split, int samples, string metricName, string? root)
    {
        string path = SharedFiles.At("models", $"{modelName}.onnx");
        OpenedData opened = DataSetFactory.Open(Path.Combine(SharedFiles.Repository, "samples", "data", $"{description}.yaml"), ModelInput.Of(Model.Load(path)), root, split);
        IMetric metric = opened.CreateMetrics().First(m => m.Name == metricName);
        using ModelSession session = new(path);
        foreach (Sample sample in opened.DataSet.Take(samples).Samples())
        {
            List<IReadOnlyDictionary<string, Tensor>> outputs = [];
            foreach (IReadOnlyDictionary<string, Tensor> step in sample.Steps)
            {
                Dictionary<string, Tensor> inputs = new(step);
                foreach ((string output, string input) in opened.DataSet.Feedback)
                {
                    if (outputs.Count > 0)
                        inputs.TryAdd(input, outputs[^1][output]);
                }
                outputs.Add(session.Run(inputs));
            }
            metric.Add(new(sample, outputs, metric.NeedsReference ? outputs : null));
        }
        return metric.Value;
    }
}
