using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Evaluation;
using Tersor.Pipeline.Quantization;

namespace Tersor.Samples;

/// <summary>From a model to one that is smaller and faster.</summary>
public static class Compressing
{
    public static async Task<IReadOnlyList<EvaluatedModel>> Run(string path, IDataSet data, string output)
    {
        #region compress
        // What is searched with, what results are judged on, and what nothing is decided on.
        (IDataSet calibration, IDataSet rest) = data.Split(0.4, seed: 1);
        (IDataSet validation, IDataSet test) = rest.Split(0.5, seed: 1);

        Model model = Model.Load(path);
        Model optimized = new GraphOptimizer(new()).Run(model).Model; // the same outputs within rounding, verified on made-up inputs

        QuantizeJob job = new(new() { Budget = new() { MaxDrop = 0.01 }, TimeLimit = TimeSpan.FromMinutes(10) });
        QuantizeResult result = await job.RunAsync(optimized, calibration, validation, metric: () => new ShareOfRightAnswers());
        if (result.NoGain is { } reason)
            Console.WriteLine($"Nothing was won: {reason}");

        result.Model.Save(output);
        IReadOnlyList<EvaluatedModel> figures = await EvaluateJob.RunAsync([path, output], reference: null, test, () => [new ShareOfRightAnswers()]);
        foreach (EvaluatedModel figure in figures)
            Console.WriteLine($"{figure.Model}: {figure.Values[0].Value:0.0000}, {new FileInfo(figure.Model).Length} bytes");
        #endregion
        return figures;
    }
}

#region data
/// <summary>Pulses of which the wider half has label 1, made when they are asked for.</summary>
public sealed class Pulses(int count, int length) : IDataSet
{
    public string Name => "pulses";

    public int Count => count;

    public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>(); // for models that carry state from step to step

    public Sample Read(int index)
    {
        Random random = new(index);
        int width = random.Next(1, length), start = random.Next(length - width);
        float[] wave = [.. Enumerable.Range(0, length).Select(i => (i >= start && i < start + width ? 1 : 0) + 0.1f * random.NextSingle())];
        Tensor input = Tensor.Create([1, length], wave), label = Tensor.Scalar<long>(width > length / 2 ? 1 : 0);
        return new($"pulse {index}", [new Dictionary<string, Tensor> { ["wave"] = input }], new Dictionary<string, Tensor> { ["label"] = label });
    }
}
#endregion

#region own-metric
/// <summary>How often the sign of the first output says the right class.</summary>
public sealed class ShareOfRightAnswers : IMetric
{
    private int right, seen;

    public string Name => "right";

    public bool HigherIsBetter => true;

    public bool NeedsReference => false;

    public double Value => seen == 0 ? double.NaN : (double)right / seen;

    public void Add(Observation observation)
    {
        float answer = observation.Outputs[0].Values.First().ToFloats()[0];
        right += answer > 0 == (observation.Sample.Labels["label"].ToInt64s()[0] == 1) ? 1 : 0;
        seen++;
    }
}
#endregion
