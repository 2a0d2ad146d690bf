using System.Text.Json;
using Tersor.Cli.Parsing;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>eval, compare, bench, quantize and demo, on a model and data small enough to check by hand.</summary>
public sealed class MeasuringTests : IDisposable
{
    private readonly TestFolder folder = new();

    public MeasuringTests() => SmallModels.Classifier().Save(folder.At("model.onnx"));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Eval_prints_the_share_of_right_answers()
    {
        // The model answers with the larger of two numbers: right for three of these four.
        string data = Data([[1, 0], [0, 1], [3, 2], [5, 4]], [0, 1, 0, 1]);
        Cli run = await Cli.Run("eval", folder.At("model.onnx"), "--data", data, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement metric = Assert.Single(document.RootElement.GetProperty("metrics").EnumerateArray());
        Assert.Equal("top-1", metric.GetProperty("metric").GetString());
        Assert.Equal(0.75, metric.GetProperty("value").GetDouble());
        Assert.Equal(4, document.RootElement.GetProperty("samples").GetInt32());
        Assert.Matches(@"top-1 +1\.0000", (await Cli.Run("eval", folder.At("model.onnx"), "--data", data, "--limit", "3")).Out);
    }

    [Fact]
    public async Task Eval_with_a_reference_measures_the_distance_to_it()
    {
        Cli run = await Cli.Run("eval", folder.At("model.onnx"), "--data", Data([[1, 0], [0, 1]], [0, 1]), "--reference", folder.At("model.onnx"), "--metric", "mse", "--metric", "top-1-agreement");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"mse +0\.00e0", run.Out);
        Assert.Matches(@"top-1-agreement +1\.0000", run.Out);
    }

    [Fact]
    public async Task One_of_something_is_not_called_several()
    {
        string data = Data([[1, 0]], [0]);
        Assert.Contains("\n1 sample of ", (await Cli.Run("eval", folder.At("model.onnx"), "--data", data)).Out);
        Cli compared = await Cli.Run("compare", folder.At("model.onnx"), folder.At("model.onnx"), "--data", data, "--rounds", "1");
        Assert.Contains("\n1 sample of ", compared.Out);
        Assert.Contains("1 thread, 1 round\n", compared.Out);
    }

    [Theory]
    [InlineData("absent.yaml", "absent.yaml")]
    [InlineData("random,count=none", "count=none")]
    public async Task Data_that_cannot_be_opened_are_one_line(string data, string named)
    {
        Cli run = await Cli.Run("eval", folder.At("model.onnx"), "--data", data, "--metric", "top-1");
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains(named, Assert.Single(run.Errors));
    }

    [Fact]
    public async Task An_unknown_metric_is_one_line_with_a_hint()
    {
        Cli run = await Cli.Run("eval", folder.At("model.onnx"), "--data", Data([[1, 0]], [0]), "--metric", "top1");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Equal(["Error: There is no metric 'top1'. Did you mean 'top-1'?", "See 'tersor eval --help'."], run.Errors);
    }

    [Fact]
    public async Task A_metric_that_needs_a_reference_asks_for_one()
    {
        Cli run = await Cli.Run("eval", folder.At("model.onnx"), "--data", Data([[1, 0]], [0]), "--metric", "sqnr");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains("--reference", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task Too_few_rounds_for_an_interval_leave_it_out()
    {
        Cli table = await Cli.Run("bench", folder.At("model.onnx"), "--rounds", "2", "--no-memory");
        Assert.DoesNotContain("NaN", table.Out);
        Cli run = await Cli.Run("bench", folder.At("model.onnx"), "--rounds", "2", "--no-memory", "--json");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("results")[0].GetProperty("latency").GetProperty("low").ValueKind);
    }

    [Fact]
    public async Task An_infinite_figure_is_a_word_in_json()
    {
        Cli run = await Cli.Run("eval", folder.At("model.onnx"), "--data", Data([[1, 0]], [0]), "--reference", folder.At("model.onnx"), "--metric", "sqnr", "--json");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        Assert.Equal("Infinity", document.RootElement.GetProperty("metrics")[0].GetProperty("value").GetString());
    }

    [Fact]
    public async Task Models_with_different_inputs_are_refused_by_name()
    {
        SmallModels.Classifier("scores").Save(folder.At("other.onnx"));
        Cli run = await Cli.Run("bench", folder.At("model.onnx"), folder.At("other.onnx"));
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains("scores instead of input.", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task A_size_for_a_dimension_that_is_not_there_is_wrong_usage()
    {
        Cli run = await Cli.Run("bench", folder.At("model.onnx"), "--dim", "nosuch=3");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains("'nosuch'", Assert.Single(run.Errors));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(200)]
    public void A_window_too_narrow_for_a_table_never_breaks_its_numbers(int width)
    {
        using StringWriter output = new() { NewLine = "\n" };
        new Printing.Printer(new(output, TextWriter.Null) { Width = width }).Table(["model", "median>", "95 % interval>", "p95>", "load>"], [["a/long/path/to/model.onnx", "0.115 ms", "0.112..0.118", "0.116 ms", "105 ms"]]);
        Assert.Matches(@"(?s)0\.115 ms.*0\.112\.\.0\.118.*0\.116 ms.*105 ms", output.ToString());
    }

    [Fact]
    public async Task Compare_puts_size_accuracy_outputs_and_latency_side_by_side()
    {
        Cli run = await Cli.Run("compare", folder.At("model.onnx"), folder.At("model.onnx"), "--data", Data([[1, 0], [0, 1]], [0, 0]), "--rounds", "6", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement root = document.RootElement;
        Assert.Equal(0.5, root.GetProperty("models")[1].GetProperty("metrics")[0].GetProperty("value").GetDouble());
        Assert.Equal(0, root.GetProperty("outputs").EnumerateArray().Single(m => m.GetProperty("metric").GetString() == "mse").GetProperty("value").GetDouble());
        Assert.Equal(2, root.GetProperty("latency").GetProperty("results").GetArrayLength());
    }

    [Fact]
    public async Task Compare_without_data_warns()
    {
        Cli run = await Cli.Run("compare", folder.At("model.onnx"), folder.At("model.onnx"), "--rounds", "1");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("made-up input", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task Bench_measures_every_model()
    {
        SmallModels.WithIdentity().Save(folder.At("other.onnx"));
        Cli run = await Cli.Run("bench", folder.At("model.onnx"), folder.At("model.onnx"), "--rounds", "6", "--no-memory");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(2, run.Out.Split('\n').Count(l => l.Contains("model.onnx", StringComparison.Ordinal)));
        Assert.Contains("1 thread, 6 rounds", run.Out);
    }

    [Fact]
    public async Task Bench_of_models_with_different_inputs_is_refused()
    {
        Model other = SmallModels.Classifier();
        other.Graph.Inputs[0].Rename("another");
        other.Save(folder.At("other.onnx"));
        Cli run = await Cli.Run("bench", folder.At("model.onnx"), folder.At("other.onnx"));
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains("another", Assert.Single(run.Errors));
    }

    [Fact]
    public async Task Quantize_without_data_makes_large_products_dynamic_and_smaller()
    {
        SmallModels.LargeDense().Save(folder.At("large.onnx"));
        Cli run = await Cli.Run("quantize", folder.At("large.onnx"), "-o", folder.At("int8.onnx"), "--rounds", "6");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains(Model.Load(folder.At("int8.onnx")).AllNodes(), n => n.OpType is "MatMulInteger" or "DynamicQuantizeMatMul");
        Assert.Matches(@"mode +dynamic", run.Out);
        Assert.True(new FileInfo(folder.At("int8.onnx")).Length < new FileInfo(folder.At("large.onnx")).Length / 3);
    }

    [Fact]
    public async Task Quantizing_what_has_nothing_to_quantize_gives_code_3()
    {
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"));
        Assert.Equal(ExitCodes.NoGain, run.ExitCode);
        Assert.Equal(Model.Load(folder.At("model.onnx")).ToBytes(), Model.Load(folder.At("int8.onnx")).ToBytes()); // whoever asked for a file gets one that works
    }

    [Theory]
    [InlineData("--mode static", "needs calibration data")]
    [InlineData("--max-drop 2", "--max-drop")]
    [InlineData("--ranges widest", "--ranges 'widest' is not understood")]
    [InlineData("--threads -1", "--threads is -1")]
    public async Task Wrong_settings_are_wrong_usage(string options, string message)
    {
        Cli run = await Cli.Run(["quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), .. options.Split(' ')]);
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains(message, run.Error);
    }

    [Fact]
    public async Task The_demo_makes_a_smaller_model_that_is_as_accurate()
    {
        Cli run = await Cli.Run("demo", "--rounds", "6", "--json", "--output", folder.At("kept"));
        Assert.Equal(0, run.ExitCode);
        using JsonDocument document = JsonDocument.Parse(run.Out);
        (double Accuracy, long Bytes)[] models = [.. document.RootElement.GetProperty("models").EnumerateArray()
            .Select(m => (m.GetProperty("metrics")[0].GetProperty("value").GetDouble(), m.GetProperty("bytes").GetInt64()))];
        Assert.Equal(3, models.Length);
        Assert.True(models[0].Accuracy > 0.9, $"{models[0].Accuracy}");
        Assert.True(models[2].Accuracy > models[0].Accuracy - 0.01, $"{models[2].Accuracy} after {models[0].Accuracy}");
        Assert.True(models[2].Bytes < models[0].Bytes / 3);
        Assert.Contains(Model.Load(folder.At("kept", "fmnist_cnn.int8.onnx")).AllNodes(), n => n.OpType == "QuantizeLinear");
    }

    [Fact]
    public void The_metric_names_in_help_are_those_of_the_catalogue() => Assert.Equal(MetricCatalog.Entries.Select(e => e.Name), DataOptions.MetricNames);

    /// <summary>Points with a class each, as .npy files and a description.</summary>
    private string Data(float[][] points, long[] labels)
    {
        Npy.Write(folder.At("points.npy"), "<f4", [points.Length, 2], points.SelectMany(p => p).SelectMany(BitConverter.GetBytes));
        Npy.Write(folder.At("labels.npy"), "<i8", [labels.Length], labels.SelectMany(BitConverter.GetBytes));
        File.WriteAllText(folder.At("data.yaml"), """
            source:
              kind: numpy
              input: input
              file: points.npy
              labels_file: labels.npy
            metrics:
              - top-1
            """);
        return folder.At("data.yaml");
    }
}
