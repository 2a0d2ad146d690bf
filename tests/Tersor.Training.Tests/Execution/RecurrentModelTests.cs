using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Training.Tests.Execution;

/// <summary>A real model with nested If and a state that goes from step to step.</summary>
public sealed class RecurrentModelTests
{
    [Fact]
    public void Voice_activity_is_tuned_through_its_branches_and_its_state()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("models", "vad_lstm.onnx"));
        IDataSet clips = DataSetFactory.Open(Path.Combine(SharedFiles.Repository, "samples", "data", "vad_lstm.yaml"), ModelInput.Of(model), SharedFiles.Root, "calibration").DataSet;
        IDataSet data = new InMemoryDataSet("beginnings", [.. Enumerable.Range(0, 2).Select(i => Beginning(clips.Read(i), 60))], clips.Feedback);
        TrainingSettings settings = new() { Epochs = 4, BatchSize = 1, LearningRate = 3e-4, KeepBest = false };
        TrainingResult result = new Trainer(new(model, data, settings) { Validation = data }).Run(cancellation: TestContext.Current.CancellationToken);
        double before = Loss(model, data), after = Loss(result.Model, data);
        Assert.True(after < 0.9 * before, $"{before} to {after}");
        // What training measured, step after step with its state, is what ONNX Runtime gives for the file.
        Assert.Equal(after, result.History[^1].Validation!.Value, 5);
    }

    private static Sample Beginning(Sample clip, int steps) => clip with
    {
        Steps = [.. clip.Steps.Take(steps)],
        Labels = clip.Labels.ToDictionary(l => l.Key, l => OnnxTensor.Create([steps], l.Value.ToInt64s()[..steps])),
    };

    /// <summary>Binary cross-entropy by ONNX Runtime.</summary>
    private static double Loss(Model model, IDataSet data)
    {
        using ModelSession session = new(model, new() { Threads = 1 });
        double sum = 0;
        foreach (Sample clip in data.Samples())
        {
            Dictionary<string, OnnxTensor> state = [];
            double clipSum = 0;
            for (int t = 0; t < clip.Steps.Count; t++)
            {
                Dictionary<string, OnnxTensor> inputs = new(clip.Steps[t]);
                foreach ((string name, OnnxTensor value) in state)
                    inputs.TryAdd(name, value);
                IReadOnlyDictionary<string, OnnxTensor> outputs = session.Run(inputs);
                foreach ((string output, string input) in data.Feedback)
                    state[input] = outputs[output];
                double p = outputs["output"].ToFloats()[0], label = clip.Labels.Values.First().ToFloats()[t];
                clipSum -= label * Math.Log(p) + (1 - label) * Math.Log(1 - p);
            }
            sum += clipSum / clip.Steps.Count;
        }
        return sum / data.Count;
    }
}
