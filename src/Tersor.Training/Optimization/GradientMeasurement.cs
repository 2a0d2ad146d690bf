using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Libtorch;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>Gathers the gradients of single samples, the model being as it will be used: no augmentation, no dropout, statistics of normalizations as they are.</summary>
internal static class GradientMeasurement
{
    public static GradientStatistics Run(TrainingJob job, IProgress<int>? progress, CancellationToken cancellation)
    {
        PreparedJob.Check(job, ownLoss: false);
        using LibtorchSession session = new(job.Settings.Threads);
        using PreparedJob prepared = new(job with { Settings = job.Settings with { BatchSize = 1 } }, null);
        TrainableGraph graph = prepared.Graph;
        using IDisposable scope = NewDisposeScope();
        Tensor sum = zeros_like(graph.Buffer.Values, dtype: ScalarType.Float64), squares = zeros_like(sum);
        int samples = 0;
        double loss = 0;
        foreach (IEnumerable<TrainingSequence> group in prepared.Reader.Groups(null, 0, 0, cancellation))
        {
            foreach (TrainingSequence sequence in group)
            {
                graph.Buffer.Gradients.zero_();
                using (sequence)
                    loss += prepared.Forward.Gradient(sequence);
                using IDisposable _ = no_grad();
                using IDisposable inner = NewDisposeScope();
                Tensor gradient = graph.Buffer.Gradients.to_type(ScalarType.Float64);
                sum.add_(gradient);
                squares.addcmul_(gradient, gradient, 1);
                samples++;
                progress?.Report(samples);
            }
        }
        if (!double.IsFinite(loss))
            throw new TrainingException("The loss of the model as it is is not finite; there are no gradients to measure.");
        return new(graph.ByName(p => new WeightStatistics(Part(sum, p, samples), Part(squares, p, samples))), samples, loss / samples);
    }

    private static OnnxTensor Part(Tensor sums, Parameter parameter, int samples) => TorchTensors.ToOnnx(parameter.In(sums).div(samples), ElementType.Float32);
}
