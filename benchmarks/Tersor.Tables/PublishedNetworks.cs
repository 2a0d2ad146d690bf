using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Published networks with seeded weights, quantized with nothing but unlabelled samples: what the search gains over quantizing everything, and where the time goes.</summary>
internal static class PublishedNetworks
{
    /// <summary>dB between held-out and test samples.</summary>
    private const double Margin = 1;

    private const int CalibrationSamples = 32, ValidationSamples = 16, TestSamples = 16;

    /// <summary>A row a network.</summary>
    /// <param name="arguments">Names, all where there are none; <c>--rounds n</c>: of the latency measurement.</param>
    /// <param name="output">Where the table goes.</param>
    public static int Table(string[] arguments, TextWriter output)
    {
        int option = Array.IndexOf(arguments, "--rounds");
        int rounds = option < 0 ? 100 : int.Parse(arguments[option + 1]);
        string[] names = option < 0 ? arguments : [.. arguments[..option], .. arguments[(option + 2)..]];
        if (!AreKnown(names, output))
            return 2;
        output.WriteLine(Cells.Head("network", "bytes", "of float", "SQNR dB", "plain, SQNR dB", "float ms", "times", "plain, times", "mode", "seconds"));
        foreach (Architecture architecture in names.Length == 0 ? Architectures.All.Values : names.Select(n => Architectures.All[n]))
        {
            output.WriteLine(Row(architecture, rounds));
            output.Flush();
        }
        return 0;
    }

    /// <summary>Time by the engine's kernels in the float network and in the quantized one, the candidates of the search, and what stays float.</summary>
    /// <param name="arguments">The network's name.</param>
    /// <param name="output">Where the tables go.</param>
    public static int Operators(string[] arguments, TextWriter output)
    {
        if (arguments is not [string name] || !AreKnown(arguments, output))
            return 2;
        Architecture architecture = Architectures.All[name];
        (Model model, _, QuantizedModel quantized) = Quantize(architecture);
        IReadOnlyDictionary<string, Tensor> input = architecture.Data(DataPart.Test, 1).Read(0).Steps[0];
        ILookup<string, NodeProfile> before = ByKernel(model), after = ByKernel(quantized.Result.Model);
        double whole = after.Sum(Milliseconds);
        output.WriteLine(Cells.Head("operator", "nodes in float", "ms", "nodes in int8", "ms", "share"));
        foreach (string kernel in before.Select(g => g.Key).Union(after.Select(g => g.Key)).OrderByDescending(k => Math.Max(Milliseconds(before[k]), Milliseconds(after[k]))))
        {
            output.WriteLine(Cells.Row(kernel, $"{before[kernel].Count()}", $"{Milliseconds(before[kernel]):F3}", $"{after[kernel].Count()}", $"{Milliseconds(after[kernel]):F3}", $"{Milliseconds(after[kernel]) / whole:P0}"));
        }
        output.WriteLine(Cells.Row("all", $"{before.Sum(g => g.Count())}", $"{before.Sum(Milliseconds):F3}", $"{after.Sum(g => g.Count())}", $"{whole:F3}", $"{1:P0}"));
        output.WriteLine();
        output.WriteLine(Cells.Head("candidate", "layers in float", "SQNR dB", "times"));
        foreach (QuantizationCandidate candidate in quantized.Result.Candidates)
            output.WriteLine(Cells.Row($"{candidate.Name}{(candidate.Chosen ? " (chosen)" : "")}", $"{candidate.FloatLayers}", $"{candidate.Sqnr:F1}", $"{candidate.SpeedUp?.Median:F2}"));
        output.WriteLine();
        foreach (IGrouping<string, PassSkip> reason in quantized.Result.Report.Skipped.GroupBy(s => s.Reason).OrderByDescending(g => g.Count()))
            output.WriteLine($"{reason.Count()} x {reason.Key}: {string.Join(", ", reason.Take(8).Select(s => s.Subject))}{(reason.Count() > 8 ? " ..." : "")}");
        return 0;

        ILookup<string, NodeProfile> ByKernel(Model profiled) => Profiler.Profile(profiled, input).Nodes.ToLookup(n => n.OpType);
        static double Milliseconds(IEnumerable<NodeProfile> nodes) => nodes.Sum(n => n.Microseconds) / 1000;
    }

    private static string Row(Architecture architecture, int rounds)
    {
        (Model model, Model plain, QuantizedModel quantized) = Quantize(architecture);
        using TemporaryFolder folder = new();
        string[] files = [folder.Save(model, "float"), folder.Save(quantized.Result.Model, "int8"), folder.Save(plain, "plain")];
        IDataSet test = architecture.Data(DataPart.Test, TestSamples);
        Measurement measured = Measurement.Of(files, test, test.Read(0).Steps[0], () => [], rounds);
        return Cells.Row(
            architecture.Name, $"{measured.Bytes[0]:N0} → {measured.Bytes[1]:N0}", Cells.Share(measured.Bytes[1], measured.Bytes[0]),
            Cells.Decibel(measured.Evaluated[1].Values[^1].Value), Cells.Decibel(measured.Evaluated[2].Values[^1].Value), $"{measured.Latency.Results[0].Latency.Median:F2}",
            Cells.SpeedUp(measured.Latency.Results[1]), Cells.SpeedUp(measured.Latency.Results[2]), quantized.Result.Mode.ToString(), $"{quantized.Seconds:F1}");
    }

    /// <summary>The fastest model that is no less exact than everything quantized plainly: published accuracy says nothing about seeded weights, so that this is the budget.</summary>
    private static (Model Model, Model Plain, QuantizedModel Quantized) Quantize(Architecture architecture)
    {
        Model model = architecture.Build();
        IDataSet calibration = architecture.Data(DataPart.Calibration, CalibrationSamples), validation = architecture.Data(DataPart.Validation, ValidationSamples);
        Model plain = PlainQuantization.Of(new GraphOptimizer(new() { Samples = QuantizedModel.Samples(calibration) }).Run(model).Model, calibration);
        double sqnr = Measurement.Sqnr(model, plain, validation);
        return (model, plain, QuantizedModel.Of(model, calibration, validation, null, new() { Budget = new() { MinSqnr = sqnr + Margin } }));
    }

    private static bool AreKnown(string[] names, TextWriter output)
    {
        string[] unknown = [.. names.Where(n => !Architectures.All.ContainsKey(n))];
        if (unknown.Length > 0)
            output.WriteLine($"There is no network {string.Join(", ", unknown)}; there are {string.Join(", ", Architectures.All.Keys)}.");
        return unknown.Length == 0;
    }
}
