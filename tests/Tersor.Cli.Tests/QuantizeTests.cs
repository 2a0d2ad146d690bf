using System.Text.Json;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>What <c>tersor quantize</c> writes beside a model and takes back, with made-up data.</summary>
public sealed class QuantizeTests : IDisposable
{
    private const string Data = "random,count=12,seed=3,x=1x16x8x8";
    private readonly TestFolder folder = new();

    public QuantizeTests()
    {
        Environment.SetEnvironmentVariable("TERSOR_CACHE", folder.At("cache"));
        Build.Model([1, 16, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 16, 64)]), 2, 64, 64)).Save(folder.At("model.onnx"));
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("TERSOR_CACHE", null);
        folder.Dispose();
    }

    [Theory]
    [InlineData(6, ExitCodes.Done)] // the engine has no Sub of that version, and one of those it is raised to
    [InlineData(99, ExitCodes.Failed)]
    public async Task An_operator_set_without_kernels_is_raised_or_refused_in_one_line(long opset, int code)
    {
        Model model = SmallModels.LargeDense();
        Value product = model.Graph.Nodes.Last().Outputs[0]!;
        Value output = model.Graph.AddNode("Sub", [product, product], ["difference"]).Outputs[0]!;
        output.Type = product.Type;
        model.Graph.RemoveOutput(0);
        model.Graph.AddOutput(output);
        model.OpsetImports[""] = opset;
        model.Save(folder.At("in.onnx"));
        Cli run = await Cli.Run("quantize", folder.At("in.onnx"), "-o", folder.At("out.onnx"), "--mode", "weights", "--rounds", "0");
        Assert.Equal(code, run.ExitCode);
        Assert.Single(run.Errors);
        Assert.Equal(code == ExitCodes.Done, File.Exists(folder.At("out.onnx")));
    }

    [Fact]
    public async Task The_plan_beside_a_model_makes_the_same_bytes_again()
    {
        Cli first = await Quantize("first.onnx", "--repair", "bias", "--repair", "clip");
        Assert.Equal(0, first.ExitCode);
        Assert.Contains("Repairs tried", first.Out);
        Cli again = await Quantize("again.onnx", "--plan", folder.At("first.plan.json"), "--threads", "2");
        Assert.Equal(0, again.ExitCode);
        Assert.Equal(File.ReadAllBytes(folder.At("first.onnx")), File.ReadAllBytes(folder.At("again.onnx")));
        Assert.Equal(File.ReadAllText(folder.At("first.plan.json")), File.ReadAllText(folder.At("again.plan.json")));
        Assert.NotEmpty(Directory.GetFiles(folder.At("cache")));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_made()
    {
        Cli run = await Quantize("new/int8.onnx", "--repair", "none", "--sensitivity-samples", "0");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["int8.onnx", "int8.plan.json"], Directory.GetFiles(folder.At("new")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_dry_run_prints_the_plan_and_writes_nothing()
    {
        Cli run = await Quantize("int8.onnx", "--dry-run", "--no-cache");
        Assert.Equal(0, run.ExitCode);
        File.WriteAllText(folder.At("printed.json"), run.Out);
        Assert.NotEmpty(QuantizationPlan.Load(folder.At("printed.json")).Layers);
        Assert.Equal(["model.onnx", "printed.json"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
        Assert.False(Directory.Exists(folder.At("cache")));
    }

    [Fact]
    public async Task Ranges_are_saved_and_used_again_and_the_report_is_a_page()
    {
        Cli run = await Quantize("int8.onnx", "--save-ranges", folder.At("new/ranges.json"), "--report", folder.At("pages/report.html"), "--no-plan");
        Assert.Equal(0, run.ExitCode);
        Assert.False(File.Exists(folder.At("int8.plan.json")));
        string page = File.ReadAllText(folder.At("pages/report.html"));
        Assert.StartsWith("<!DOCTYPE html>", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("model.onnx", page);
        Assert.Equal(0, (await Quantize("other.onnx", "--use-ranges", folder.At("new/ranges.json"))).ExitCode);
        Assert.Equal(CalibrationRanges.Load(folder.At("new/ranges.json")).Ranges, QuantizationPlan.Load(folder.At("other.plan.json")).Ranges);
    }

    [Theory]
    [InlineData("--report", "model.onnx")]
    [InlineData("--report", "int8.onnx")]
    [InlineData("--report", "int8.plan.json")]
    [InlineData("--save-ranges", "model.onnx")]
    [InlineData("--save-ranges", "int8.session.json")]
    public async Task No_file_beside_the_result_replaces_the_model_or_the_result(string option, string file)
    {
        byte[] before = File.ReadAllBytes(folder.At("model.onnx"));
        Cli run = await Quantize("int8.onnx", option, folder.At(file), "--force");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains($"{option} '{folder.At(file)}' is the model, or a file", run.Error);
        Assert.Equal(before, File.ReadAllBytes(folder.At("model.onnx")));
        Assert.Equal(["model.onnx"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task One_file_does_not_hold_ranges_and_report()
    {
        Cli run = await Quantize("int8.onnx", "--save-ranges", folder.At("side"), "--report", folder.At("side"));
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
    }

    [Fact]
    public async Task A_dry_run_without_anything_to_decide_says_so_and_prints_nothing()
    {
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), "--mode", "weights", "--dry-run");
        Assert.Equal((0, ""), (run.ExitCode, run.Out));
        Assert.Contains("There is no plan", run.Error);
    }

    [Theory]
    [InlineData("--min-speedup 900", "900 were asked for (--min-speedup)")]
    [InlineData("--max-size 10B", "at most 10 are allowed (--max-size)")]
    public async Task Conditions_hold_where_nothing_is_searched_too(string options, string message)
    {
        Cli run = await Cli.Run(["quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), "--mode", "weights", .. options.Split(' ')]);
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains(message, run.Errors[^1]);
        Assert.Equal(["model.onnx"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("cosine", 0.5), InlineData("sqnr", 5.0), InlineData("top-1-agreement", 0.5)]
    public async Task A_metric_that_compares_with_the_original_is_a_limit_like_any_other(string metric, double least)
    {
        string option = metric == "sqnr" ? "--min-sqnr" : metric == "cosine" ? "--min-cosine" : "--min-agreement";
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), "--data", Data, "--metric", metric, option, $"{least}", "--rounds", "6", "--allow-slower", "--repair", "none", "--sensitivity-samples", "0");
        Assert.True(run.ExitCode == 0, run.Error);
        // The limit that was not met is named: nothing is 200 dB close, has a cosine of 1 or differs in no class.
        Cli far = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At("far.onnx"), "--data", Data, "--metric", metric, "--min-sqnr", "200", "--rounds", "6", "--allow-slower", "--repair", "none", "--sensitivity-samples", "0");
        Assert.Equal(ExitCodes.NoGain, far.ExitCode);
    }

    [Fact]
    public async Task Without_gain_the_input_model_stands_under_the_output_s_name_byte_for_byte()
    {
        File.AppendAllBytes(folder.At("model.onnx"), [0x08, 0x08]); // the IR version once more, as no writer would
        byte[] before = File.ReadAllBytes(folder.At("model.onnx"));
        Assert.NotEqual(before, Model.Load(folder.At("model.onnx")).ToBytes());
        Cli run = await WithoutGain("same.onnx");
        Assert.Contains("No gain: nothing keeps within the error allowed", run.Errors[^1]);
        Assert.Contains($"The input model was written to {folder.At("same.onnx")} as it is.", run.Errors[^1]);
        Assert.Equal(before, File.ReadAllBytes(folder.At("same.onnx")));
        Assert.Equal(["model.onnx", "same.onnx"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order()); // and no part of it
    }

    [Fact]
    public async Task Without_gain_a_model_of_several_files_is_whole_under_the_output_s_name_too()
    {
        Model original = Model.Load(folder.At("model.onnx"));
        original.Save(folder.At("model.onnx"), new() { ExternalData = ExternalDataMode.Always });
        byte[][] before = [.. Directory.GetFiles(folder.Path).Order().Select(File.ReadAllBytes)];
        Assert.Equal(2, before.Length);
        await WithoutGain("new/same.onnx");
        Assert.Equal(before, Directory.GetFiles(folder.Path).Order().Select(File.ReadAllBytes));
        Assert.Equal(["same.onnx", "same.onnx.data"], Directory.GetFiles(folder.At("new")).Select(Path.GetFileName).Order());
        foreach (string file in Directory.GetFiles(folder.Path))
            File.Delete(file); // it needs none of them
        Assert.Equal(original.ToBytes(), Model.Load(folder.At("new/same.onnx")).ToBytes());
    }

    [Theory]
    [InlineData("--min-cosine 0.9"), InlineData("--min-sqnr 20"), InlineData("--min-agreement 0.9"), InlineData("--max-drop 0.02"), InlineData("--metric top-1")]
    public async Task A_limit_of_accuracy_without_data_is_wrong_usage(string options)
    {
        Cli run = await Cli.Run(["quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), .. options.Split(' ')]);
        Assert.Equal((ExitCodes.WrongUsage, ""), (run.ExitCode, run.Out));
        Assert.Contains("Without data nothing can be judged", run.Error);
        Assert.Contains(options.Split(' ')[0], run.Error);
        Assert.Contains("give data with --data", run.Error);
        Assert.Equal(["model.onnx"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task That_limits_are_not_judged_again_by_a_plan_is_said_where_some_are_given()
    {
        Assert.Equal(0, (await Quantize("first.onnx", "--repair", "none", "--sensitivity-samples", "0")).ExitCode);
        string[] line = ["quantize", folder.At("model.onnx"), "-o", folder.At("again.onnx"), "--data", Data, "--plan", folder.At("first.plan.json"), "--rounds", "0", "--force"];
        Assert.DoesNotContain("Note", (await Cli.Run(line)).Error);
        Cli limited = await Cli.Run([.. line, "--min-cosine", "1"]);
        Assert.Equal(0, limited.ExitCode);
        Assert.Contains("Note: a plan is carried out as it is; limits of accuracy are not judged again.", limited.Errors);
    }

    [Fact]
    public async Task Labels_that_no_metric_is_named_for_are_said()
    {
        Npy.Write(folder.At("x.npy"), "<f4", [12, 16, 8, 8], Build.Normal(1, 1, 12, 16, 8, 8).ToFloats().SelectMany(BitConverter.GetBytes));
        Npy.Write(folder.At("labels.npy"), "<i8", [12], Enumerable.Range(0, 12).SelectMany(i => BitConverter.GetBytes((long)i)));
        File.WriteAllText(folder.At("data.yaml"), "source: { kind: numpy, input: x, file: x.npy, labels_file: labels.npy }\n");
        string[] line = ["quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), "--data", folder.At("data.yaml"), "--min-sqnr", "5", "--rounds", "0", "--allow-slower", "--repair", "none", "--sensitivity-samples", "0", "--dry-run"];
        Assert.Contains("Note: the data have labels, but nothing says what they are judged by; name it with --metric", (await Cli.Run(line)).Error);
        Assert.DoesNotContain("have labels", (await Cli.Run([.. line, "--metric", "cosine"])).Error);
        Assert.DoesNotContain("have labels", (await Cli.Run([.. line, "--data", Data])).Error);
    }

    [Fact]
    public async Task Every_limit_is_explained_with_what_holds_without_it()
    {
        string help = (await Cli.Run("quantize", "--help")).Out;
        foreach (string option in new[] { "--max-drop <share>", "--min-cosine <share>", "--min-agreement <share>", "--min-sqnr <dB>", "--time <time>" })
            Assert.Contains(option, help);
        Assert.Contains("0.99", help);
    }

    [Fact]
    public async Task Sizes_count_external_data()
    {
        Cli run = await Quantize("int8.onnx", "--repair", "none", "--sensitivity-samples", "0", "--external-data", "Always", "--json");
        Assert.Equal(0, run.ExitCode);
        long files = new DirectoryInfo(folder.Path).GetFiles("int8.onnx*").Sum(f => f.Length), reported = JsonDocument.Parse(run.Out).RootElement.GetProperty("bytesAfter").GetInt64();
        Assert.InRange(reported, 0.9 * files, files); // tensors start at whole pages
    }

    [Theory]
    [InlineData("quantize"), InlineData("optimize")]
    public async Task Samples_of_another_size_than_the_one_asked_for_are_wrong_usage(string command)
    {
        Build.Model(["N", 16, 8, 8], (g, x) => g.Conv(x, 1, 16, 16)).Save(folder.At("open.onnx"));
        Cli run = await Cli.Run(command, folder.At("open.onnx"), "-o", folder.At("fixed.onnx"), "--data", Data, "--dim", "N=4");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains("have the shape [1, 16, 8, 8] for input 'x'", run.Error);
        Assert.False(File.Exists(folder.At("fixed.onnx")));
    }

    [Fact]
    public async Task Every_way_to_choose_ranges_is_understood()
    {
        foreach (string how in new[] { "auto", "min-max", "percentile:99.9" })
            Assert.Equal(0, (await Quantize("int8.onnx", "--ranges", how, "--repair", "none", "--sensitivity-samples", "0")).ExitCode);
    }

    [Theory]
    [InlineData("--weight-bits 7", ElementType.UInt8, 63)]
    [InlineData("--activations Int8", ElementType.Int8, 127)]
    [InlineData("--target X64Avx2", ElementType.UInt8, 63)]
    [InlineData("--per-tensor --asymmetric-weights", ElementType.UInt8, 128)]
    [InlineData("--weight-bits 5", ElementType.UInt8, 15)]
    public async Task Numbers_asked_for_are_those_of_the_result(string options, ElementType activations, int limit)
    {
        Cli run = await Quantize("int8.onnx", [.. options.Split(' '), "--repair", "none", "--sensitivity-samples", "0"]);
        Assert.Equal(0, run.ExitCode);
        Model model = Model.Load(folder.At("int8.onnx"));
        Node[] quantizing = [.. model.AllNodes().Where(n => n.Is("QuantizeLinear"))];
        Assert.NotEmpty(quantizing);
        Assert.All(quantizing, n => Assert.Equal(activations, n.Inputs[2]!.Constant!.Type));
        // Which of them runs in 8 bits is for the measurement to decide.
        sbyte[][] weights = [.. model.AllNodes().Where(n => n.Is("Conv")).Select(n => n.Inputs[1]!.Producer).OfType<Node>().Select(n => n.Inputs[0]!.Constant!.Span<sbyte>().ToArray())];
        Assert.NotEmpty(weights);
        Assert.Equal(limit, weights.Max(w => w.Max(q => Math.Abs((int)q))), 1.0);
    }

    [Fact]
    public async Task A_metric_of_a_description_is_left_out_where_a_part_has_no_labels()
    {
        File.WriteAllText(folder.At("data.yaml"), "source: { kind: random, count: 12, shapes: { x: [1, 16, 8, 8] } }\nmetrics: [top-1]\n");
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At("int8.onnx"), "--data", folder.At("data.yaml"), "--rounds", "6", "--repair", "none", "--sensitivity-samples", "0", "--allow-slower", "--min-sqnr", "5");
        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Theory]
    [InlineData(4, 7)]
    [InlineData(3, 3)]
    [InlineData(2, 1)]
    public async Task Few_bits_are_stored_packed_and_are_eight_again_for_the_kernel(int bits, int limit)
    {
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At("few.onnx"), "--data", Data, "--min-sqnr", "-100", "--rounds", "6", "--allow-slower", "--weight-bits", $"{bits}", "--repair", "none", "--sensitivity-samples", "0");
        Assert.Equal(0, run.ExitCode);
        Model model = Model.Load(folder.At("few.onnx"));
        Node[] unpacking = [.. model.AllNodes().Where(n => n.Is("Conv")).Select(n => n.Inputs[1]!.Producer).OfType<Node>().Select(n => n.Inputs[0]!.Producer!)];
        Assert.NotEmpty(unpacking);
        Assert.All(unpacking, n => Assert.True(n.Is("Cast") && n.Int("to", 0) == (long)ElementType.Int8));
        Assert.All(unpacking, n => Assert.Equal(bits == 2 ? ElementType.Int2 : ElementType.Int4, n.Inputs[0]!.Tensor!.Type));
        Assert.Equal(limit, unpacking.Max(n => n.Inputs[0]!.Tensor!.ToInt64s().Max(Math.Abs)));
    }

    [Theory]
    [InlineData("--plan missing.json", "missing.json")]
    [InlineData("--plan model.onnx", "is no plan")]
    [InlineData("--use-ranges model.onnx", "is no file of calibration ranges")]
    [InlineData("--min-speedup 900", "times as fast")]
    [InlineData("--max-size 10B", "at most 10 are allowed")]
    public async Task What_cannot_be_done_is_one_message_and_no_file(string options, string message)
    {
        Cli run = await Quantize("int8.onnx", [.. options.Split(' ').Select(o => o.Contains('.') ? folder.At(o) : o), "--repair", "none"]);
        Assert.Equal((ExitCodes.Failed, ""), (run.ExitCode, run.Out));
        Assert.Contains(message, run.Errors[^1]);
        Assert.Equal(["model.onnx"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("--repair polish", "There is no repair 'polish'")]
    [InlineData("--repair none --repair bias", "--repair none cannot be combined with another repair")]
    [InlineData("--dry-run --report int8.html", "--dry-run writes none")]
    [InlineData("--max-size big", "--max-size 'big' is not understood")]
    [InlineData("--weight-bits 1", "WeightBits is 1")]
    [InlineData("--metric top-1", "--metric top-1 needs labels, and 'random' has none")]
    [InlineData("--metric mse", "--metric mse is no limit a result can be held to; cosine, sqnr and top-1-agreement are")]
    [InlineData("--min-cosine 2", "--min-cosine")]
    [InlineData("--epochs 3", "--epochs says how to train; give --train too")]
    [InlineData("--train --checkpoint int8.onnx", "is the model, or a file that is written for another purpose")]
    [InlineData("--train --repair round", "--repair is for the search")]
    [InlineData("--train --no-plan", "makes no plan")]
    [InlineData("--train --mode weights", "--train is for static quantization with data")]
    [InlineData("--train --learning-rate 0", "LearningRate is 0")]
    [InlineData("--ranges best", "--ranges 'best' is not understood")]
    [InlineData("--activations Float32", "expected UInt8, Int8, UInt16, Int16, UInt4")]
    [InlineData("--asymmetric-weights", "Asymmetric weights need one scale a tensor")]
    [InlineData("--min-speedup 0", "--min-speedup is 0")]
    public async Task Wrong_options_are_wrong_usage(string options, string message)
    {
        Cli run = await Quantize("int8.onnx", [.. options.Split(' ').Select(o => o.EndsWith(".onnx", StringComparison.Ordinal) ? folder.At(o) : o)]);
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains(message, run.Error);
    }

    /// <summary>What is asked here holds whatever is fastest on a machine that may be busy.</summary>
    private Task<Cli> Quantize(string output, params string[] options) =>
        Cli.Run(["quantize", folder.At("model.onnx"), "-o", folder.At(output), "--data", Data, "--min-sqnr", "5", "--rounds", "6", "--allow-slower", .. options]);

    private async Task<Cli> WithoutGain(string output)
    {
        Cli run = await Cli.Run("quantize", folder.At("model.onnx"), "-o", folder.At(output), "--data", Data, "--min-sqnr", "200", "--rounds", "6", "--allow-slower", "--repair", "none", "--sensitivity-samples", "0", "--no-optimize", "--no-cache");
        Assert.Equal(ExitCodes.NoGain, run.ExitCode);
        return run;
    }
}
