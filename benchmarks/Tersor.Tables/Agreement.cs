using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Whether the engine computes what quantized files say: every real model and every network built, in several forms, with the engine's optimizations on and off.</summary>
internal static class Agreement
{
    private const int CalibrationSamples = 8, ComparedSamples = 4;

    private static readonly string[] Columns = ["network", "form", "on and off, dB", "on, dB from float", "off, dB from float", "agrees", "nodes computed otherwise"];

    /// <summary>How a model is quantized: everything that may be; every second operator, so that float and 8 bits meet everywhere; as the command line does it.</summary>
    private static readonly Dictionary<string, Func<Model, IDataSet, Model>> Forms = new()
    {
        ["everything"] = (model, data) => PlainQuantization.Of(Rewritten(model, data), data),
        ["every second"] = (model, data) => PlainQuantization.Of(Rewritten(model, data), data, keepFloat: EverySecond()),
        ["default"] = (model, data) => QuantizedModel.Of(model, data, null, null).Result.Model,
    };

    /// <summary>A row a network and form.</summary>
    /// <param name="arguments">Names, all where there are none; <c>--forms a,b</c>: which forms, all but the slow default where it is not given; <c>--file f</c>: rows are added to the file, and those it has are not made again.</param>
    /// <param name="output">Where the table goes.</param>
    public static int Run(string[] arguments, TextWriter output)
    {
        List<string> names = [.. arguments];
        string[] forms = Option("--forms")?.Split(',') ?? ["everything", "every second"];
        string? file = Option("--file");
        HashSet<string> made = file is not null && File.Exists(file) ? [.. File.ReadLines(file)] : [];
        output.WriteLine(Cells.Head(Columns));
        foreach ((string name, Func<(Model, IDataSet)> open) in Networks().Where(n => names.Count == 0 || names.Contains(n.Name)))
        {
            foreach (string form in forms)
            {
                string start = $"| {name} | {form} |";
                string? row = made.FirstOrDefault(r => r.StartsWith(start, StringComparison.Ordinal));
                if (row is null)
                {
                    row = RowOrReason(name, form, open);
                    if (file is not null)
                        File.AppendAllLines(file, [row]);
                }
                output.WriteLine(row);
                output.Flush();
            }
        }
        return 0;

        string? Option(string option)
        {
            int at = names.IndexOf(option);
            if (at < 0 || at + 1 == names.Count)
                return null;
            string value = names[at + 1];
            names.RemoveRange(at, 2);
            return value;
        }
    }

    /// <summary>A model that one form cannot be made of does not end the table.</summary>
    private static string RowOrReason(string name, string form, Func<(Model, IDataSet)> open)
    {
        try
        {
            return Row(name, form, open());
        }
        catch (Exception e) when (e is RuntimeException or CompressionException or DataException)
        {
            return Cells.Row(name, form, "", "", "", "not quantized", e.Message.ReplaceLineEndings(" "));
        }
    }

    private static string Row(string name, string form, (Model Model, IDataSet Data) network)
    {
        Model quantized = Forms[form](network.Model, network.Data.Take(CalibrationSamples));
        Sample[] samples = [.. network.Data.Take(ComparedSamples).Samples()];
        EngineAgreementResult result = EngineAgreement.Measure(quantized, samples, new(), network.Model, network.Data.Feedback);
        IReadOnlyList<EngineCulprit> culprits = EngineAgreement.Culprits(quantized, samples[0], new());
        return Cells.Row(name, form, Cells.Decibel(result.Decibel), Cells.Decibel(result.OptimizedDecibel ?? 0), Cells.Decibel(result.AsWrittenDecibel ?? 0), result.NotComparable ?? (result.Agrees ? "yes" : "no"),
            culprits.Count == 0 ? "none" : string.Join(", ", culprits.Take(3).Select(c => $"{c.Node.OpType} ({c.Steps:F0} steps, {EngineAgreementResult.Decibels(c.Difference):F0} dB)")) + (culprits.Count > 3 ? $" and {culprits.Count - 3} more" : ""));
    }

    private static IEnumerable<(string Name, Func<(Model, IDataSet)> Open)> Networks() =>
    [
        .. SharedFiles.Models.Select(path => (Path.GetFileNameWithoutExtension(path), (Func<(Model, IDataSet)>)(() => Real(path)))),
        .. Architectures.All.Values.Select(a => (a.Name, (Func<(Model, IDataSet)>)(() => (a.Build(), a.Data(DataPart.Calibration, CalibrationSamples))))),
    ];

    /// <summary>A real model with its data, or with random numbers where they are not on this machine: what the engine computes can be compared on any.</summary>
    private static (Model, IDataSet) Real(string path)
    {
        Model model = Model.Load(path);
        try
        {
            return (model, RealModels.Data(path, "calibration").DataSet);
        }
        catch (DataException)
        {
            IEnumerable<string> shapes = model.Graph.Inputs.Where(v => !v.IsInitializer).Select(v => $"{v.Name}={string.Join('x', v.Type!.AsTensor!.Shape!.Value.Select(d => d.Size ?? 1))}");
            return (model, DataSetFactory.Open($"random,count={CalibrationSamples},{string.Join(',', shapes)}", ModelInput.Of(model), null, "calibration").DataSet);
        }
    }

    private static Model Rewritten(Model model, IDataSet data) => new GraphOptimizer(new() { Level = OptimizationLevel.Engine, Samples = QuantizedModel.Samples(data) }).Run(model).Model;

    private static Func<Node, string?> EverySecond()
    {
        Dictionary<Node, bool> kept = [];
        return node =>
        {
            if (!kept.TryGetValue(node, out bool keep))
                kept[node] = keep = kept.Count % 2 == 1;
            return keep ? "every second stays float" : null;
        };
    }
}
