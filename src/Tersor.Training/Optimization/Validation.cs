using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Libtorch;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>Measures a model in training on held-out samples.</summary>
internal sealed class Validation(TrainableGraph graph, IDataSet data, Func<IMetric>? metric, ForwardPass forward, TrainingSettings settings, bool oneByOne)
{
    private readonly TrainingReader reader = new(data, settings.BatchSize, ScalarType.Float32) { IsOneByOne = oneByOne };

    private int passes;

    /// <summary>What is measured.</summary>
    public string Name { get; } = metric?.Invoke().Name ?? "loss";

    /// <summary>Whether one result is better than another. NaN is worse than anything.</summary>
    public bool IsBetter(double result, double than) => double.IsNaN(than) ? !double.IsNaN(result) : metric?.Invoke().HigherIsBetter == true ? result > than : result < than;

    /// <summary>The metric, or the loss, of the parameters as they are.</summary>
    public double Measure(CancellationToken cancellation)
    {
        using IDisposable _ = no_grad();
        IMetric? counter = metric?.Invoke();
        double sum = 0;
        int count = 0;
        foreach (IEnumerable<TrainingSequence> group in reader.Groups(null, 0, 0, cancellation))
        {
            foreach (TrainingSequence sequence in group)
            {
                using (sequence)
                {
                    if (counter is null)
                        sum += forward.Loss(sequence, 1, passes, heldOut: true) * sequence.Samples.Count;
                    else
                        Count(sequence, counter);
                    count += sequence.Samples.Count;
                }
            }
        }
        passes++;
        double result = counter?.Value ?? sum / count;
        if (double.IsNaN(result))
            RequireNumbers(cancellation);
        return result;
    }

    /// <summary>Refuses samples that no model gives numbers for.</summary>
    private void RequireNumbers(CancellationToken cancellation)
    {
        foreach (TrainingSequence sequence in reader.Groups(null, 0, 0, cancellation).SelectMany(g => g))
        {
            using (sequence)
                sequence.RequireNumbers();
        }
    }

    private void Count(TrainingSequence sequence, IMetric counter)
    {
        FinalizerGate.LetThrough();
        using IDisposable scope = NewDisposeScope();
        graph.Refresh();
        List<Dictionary<string, OnnxTensor>> steps = [];
        Dictionary<string, Tensor> state = [];
        foreach (IReadOnlyDictionary<string, Tensor> step in sequence.Steps)
        {
            Dictionary<string, Tensor> inputs = new(step);
            foreach ((string name, Tensor value) in state)
                inputs.TryAdd(name, value);
            IReadOnlyList<Value> known = graph.Program.KnownOutputs;
            object?[] results = graph.Program.Run(inputs, known);
            Dictionary<string, OnnxTensor> outputs = [];
            for (int i = 0; i < results.Length; i++)
            {
                string name = known[i].Name;
                if (results[i] is not Tensor tensor)
                    continue;
                outputs[name] = TorchTensors.ToOnnx(tensor);
                if (data.Feedback.TryGetValue(name, out string? input))
                    state[input] = tensor;
            }
            steps.Add(outputs);
        }
        if (sequence.Samples.Count == 1)
        {
            counter.Add(new(sequence.Samples[0], steps, null));
            return;
        }
        for (int i = 0; i < sequence.Samples.Count; i++)
            counter.Add(new(sequence.Samples[i], [steps[0].ToDictionary(o => o.Key, o => Row(o.Value, i, sequence.Samples.Count))], null));
    }

    /// <summary>What a sample of a batch came to.</summary>
    private static OnnxTensor Row(OnnxTensor output, int index, int count)
    {
        if (output.Rank == 0 || output.Shape[0] % count != 0)
            return output;
        long rows = output.Shape[0] / count;
        int bytes = (int)(output.ByteLength / count);
        return OnnxTensor.FromBytes(output.Type, [rows, .. output.Shape.AsSpan()[1..]], output.Bytes.Slice(index * bytes, bytes).ToArray());
    }
}
