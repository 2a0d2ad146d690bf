using Tersor.Pipeline.Quantization;
using Tersor.Reporting.Optimization;
using Tersor.Reporting.Quantization;
using Tersor.Runtime;

namespace Tersor.Reporting.Tests;

/// <summary>Reports as a run would make them.</summary>
internal static class SampleReport
{
    private static readonly string[] Operators = ["Conv", "Conv", "Add", "Conv", "MatMul", "Conv", "GlobalAveragePool", "Mul", "Conv", "Gemm"];

    private static readonly MachineInfo Machine = new("Example CPU @ 2.60 GHz", 8, ["AVX2", "AVX-512", "AVX-512 VNNI"], "Linux 6.1", "1.31.1");

    /// <summary>Nothing but what is required: no data, no measurement.</summary>
    public static QuantizeReport Empty { get; } = new()
    {
        Input = "model.onnx",
        Output = "int8.onnx",
        Mode = QuantizationMode.Weights,
        BytesBefore = 1000,
        BytesAfter = 300,
        Metric = null,
        FloatMetric = null,
        Candidates = [],
        Sensitivities = [],
        Quantized = [],
        Float = [],
        Layers = [],
        Evidence = QuantizationEvidence.None,
        Latency = null,
    };

    /// <summary>A classifier of 60 layers with everything measured.</summary>
    public static QuantizeReport Classifier(int layerCount = 60, int bins = 512)
    {
        Random random = new(Seed: 20260101);
        PlannedLayer[] layers = [.. Enumerable.Range(0, layerCount).Select(i => Layer(i, random))];
        PlannedLayer[] kept = [.. layers.Where(l => l.Form == LayerForm.Float)];
        return Empty with
        {
            Input = "/models/image-classifier-l.onnx",
            Output = "/models/image-classifier-l.int8.onnx",
            Mode = QuantizationMode.Static,
            BytesBefore = 97_781_934,
            BytesAfter = 25_103_882,
            Metric = "top-1",
            FloatMetric = 0.7613,
            HigherIsBetter = true,
            Budget = new(),
            Candidates = Candidates(),
            Sensitivities = [.. layers.Where(l => l.Noise is not null).OrderByDescending(l => l.Noise).Select(l => new LayerSensitivity(l.Layer, l.Noise!.Value))],
            Quantized = [.. layers.Except(kept).Select(l => new Subject(l.Layer, $"8 bits: {l.Operator}"))],
            Float = [.. kept.Select(l => new Subject(l.Layer, l.Reason)), .. Enumerable.Range(0, 9).Select(i => new Subject($"/head/norm.{i}/LayerNormalization", "has no 8-bit form")),
                new("/head/Softmax", "has no 8-bit form"), new("/features/Resize", "is faster in float")],
            Layers = layers,
            Evidence = new()
            {
                Histograms = [.. layers.Where(l => l.Form == LayerForm.Static).SelectMany(l => new[] { Activation(l.Layer, bins, random), Weight(l.Layer, bins, random) })],
                Operators = [new("Conv", 31.42, 0.91), new("QLinearConv", 0, 11.83), new("MatMul", 4.21, 1.02), new("MatMulIntegerToFloat", 0, 1.44), new("Add", 1.31, 0.22), new("QLinearAdd", 0, 0.35),
                    new("GlobalAveragePool", 0.31, 0.07), new("FusedConv", 2.05, 2.04), new("QuantizeLinear", 0, 0.28), new("DequantizeLinear", 0, 0.11), new("LayerNormalization", 0.64, 0.65),
                    new("Softmax", 0.08, 0.08), new("Reshape", 0.02, 0.02), new("Transpose", 0.12, 0.13)],
                Repairs = [new("cross-layer equalization", 26.4, 31.2, 0.7402, 0.7561, true), new("bias correction", 31.2, 33.9, 0.7561, 0.7588, true),
                    new("adaptive rounding", 33.9, 34.6, 0.7588, 0.7581, true), new("activation scale migration", 34.6, 32.8, 0.7581, 0.7544, false)],
            },
            Training = new(0.4, [new(1, 4, 1.5, 2e-3, 0.5), new(2, 8, 0.9, 1e-3, 0.6)], 2, "top-1", [new(1, 2), new(2, 1.8), new(8, 0.8)]),
            Latency = new(Machine, 1, 20, [Result("image-classifier-l.onnx", 97_781_934, 41.32, new(1, 1, 1)), Result("quantized", 25_103_882, 17.14, new(2.411, 2.362, 2.468))]),
            Machine = Machine,
            Date = new(2026, 1, 5, 14, 2, 0, TimeSpan.Zero),
        };
    }

    /// <summary>The same without labels, judged by signal to noise.</summary>
    public static QuantizeReport WithoutLabels() => Classifier() is var report ? report with
    {
        Metric = null,
        FloatMetric = null,
        Budget = new() { MinSqnr = 30 },
        Candidates = [.. report.Candidates.Select(c => c with { Metric = null })],
        Evidence = report.Evidence with { Repairs = [.. report.Evidence.Repairs.Select(r => r with { MetricBefore = null, MetricAfter = null })] },
    } : report;

    private static PlannedLayer Layer(int index, Random random)
    {
        string operatorName = Operators[index % Operators.Length];
        string name = $"/backbone/stages.{index / 12}/blocks.{index / 3 % 4}/{operatorName.ToLowerInvariant()}{index % 3 + 1}/{operatorName}_output_0";
        double decibel = 28 + 30 * random.NextDouble() - (index is 0 or 58 or 59 ? 22 : 0), noise = Math.Pow(10, -decibel / 10);
        double before = 40 + 1800 * Math.Pow(random.NextDouble(), 2), after = before * (0.25 + 0.6 * random.NextDouble());
        LayerForm form = decibel < 30 ? LayerForm.Float : operatorName is "Mul" && index % 4 == 3 ? LayerForm.Float : operatorName is "MatMul" && index % 20 == 4 ? LayerForm.Dynamic : LayerForm.Static;
        string reason = decibel < 30 ? $"alone it leaves {decibel:F1} dB" : form == LayerForm.Float ? "between operators that compute in float" : form == LayerForm.Dynamic ? "its range varies from sample to sample" : "";
        return new(name, name, operatorName, form, before, form == LayerForm.Float && decibel >= 30 ? null : after, operatorName is "Add" or "Mul" ? null : noise, reason);
    }

    private static QuantizationCandidate[] Candidates() =>
    [
        new("fastest", 0, 0.7402, 26.4, new(2.63, 2.55, 2.70), 15.7, 24_400_000, false),
        new("0.7 of the error", 2, 0.7488, 28.9, new(2.55, 2.49, 2.63), 16.2, 24_600_000, false),
        new("0.45 of the error", 4, 0.7581, 34.6, new(2.41, 2.36, 2.47), 17.1, 25_103_882, true),
        new("0.3 of the error", 7, 0.7576, 35.3, new(2.22, 2.17, 2.30), 18.6, 26_900_000, false),
        new("0.2 of the error", 11, 0.7599, 37.8, new(1.98, 1.93, 2.02), 20.9, 31_200_000, false),
        new("0.1 of the error", 19, 0.7607, 41.0, new(1.61, 1.56, 1.66), 25.7, 44_800_000, false),
        new("0.05 of the error", 27, 0.7611, 44.7, new(1.33, 1.29, 1.37), 31.1, 60_100_000, false),
    ];

    private static BenchmarkResult Result(string name, long bytes, double milliseconds, MedianInterval speedUp) =>
        new(name, bytes, new(milliseconds, milliseconds * 0.98, milliseconds * 1.02), milliseconds * 1.1, speedUp, 1000 / milliseconds, 120, null, null, [.. Enumerable.Range(0, 20).Select(i => milliseconds * (0.97 + 0.003 * i))]);

    private static TensorHistogram Weight(string name, int bins, Random random)
    {
        double most = 0.2 + random.NextDouble(), spread = most / 4.5;
        return new(name, TensorRole.Weight, -most, most, Counts(bins, i => 36_000 * Math.Exp(-0.5 * Math.Pow((-most + 2 * most * (i + 0.5) / bins) / spread, 2)), random), -most * 0.92, most * 0.92, "MeanSquaredError");
    }

    private static TensorHistogram Activation(string name, int bins, Random random)
    {
        double most = 3 + 9 * random.NextDouble();
        return new(name, TensorRole.Activation, 0, most, Counts(bins, i => 900_000 * Math.Exp(-9.0 * i / bins) + (i % 97 == 96 ? 6 : 0), random), 0, most * (0.55 + 0.3 * random.NextDouble()), "MeanSquaredError");
    }

    private static double[] Counts(int bins, Func<int, double> shape, Random random) => [.. Enumerable.Range(0, bins).Select(i => Math.Round(shape(i) * (0.9 + 0.2 * random.NextDouble())))];
}
