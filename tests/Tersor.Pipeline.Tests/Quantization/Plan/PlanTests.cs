using Tersor.Compression;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Plan;

public sealed class PlanTests : IDisposable
{
    private static readonly IDataSet Data = new SmallNetwork.Noise(40);
    private static readonly Lazy<QuantizeResult> Searched = new(() => new QuantizeJob(new() { RequireSpeed = false }).Run(SmallNetwork.Model(), Data, null, null));
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");

    private static QuantizationPlan Plan => Searched.Value.Plan!;

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData(1), InlineData(2)]
    public void A_plan_gives_the_bytes_of_the_search_that_made_it_at_any_thread_count(int threads)
    {
        QuantizationPlan read = SavedAndRead(Plan);
        Assert.Equal(Searched.Value.Model.ToBytes(), Replay(read, threads).ToBytes());
    }

    [Fact]
    public void With_every_repair_a_plan_gives_the_same_bytes_each_time()
    {
        QuantizationPlan all = Plan with { Repairs = RepairNames.All };
        byte[] once = Replay(all, 1).ToBytes();
        Assert.Equal(once, Replay(all, 2).ToBytes());
        Assert.NotEqual(once, Replay(Plan with { Repairs = [] }, 1).ToBytes());
    }

    [Fact]
    public void A_plan_without_repairs_that_need_data_needs_none()
    {
        QuantizationPlan plan = Plan with { Repairs = [RepairNames.Equalize] };
        Assert.False(plan.NeedsData);
        Model with = Replay(plan, 1), without = new QuantizeJob(new() { Plan = plan }).Run(SmallNetwork.Model(), null, null, null).Model;
        Assert.Equal(with.ToBytes(), without.ToBytes());
    }

    [Fact]
    public void A_form_that_was_edited_is_what_the_layer_gets()
    {
        PlannedLayer layer = Plan.Layers.First(l => l.Operator == "Conv" && l.Form == LayerForm.Static);
        QuantizationPlan edited = Plan with { Layers = [.. Plan.Layers.Select(l => l.Layer == layer.Layer ? l with { Form = LayerForm.Float } : l)] };
        Model before = Replay(Plan, 1), after = Replay(edited, 1);
        Assert.Equal(Float32Convolutions(before) + 1, Float32Convolutions(after));
    }

    [Fact]
    public void A_plan_for_another_model_is_refused()
    {
        CompressionException error = Assert.Throws<CompressionException>(() => new QuantizeJob(new() { Plan = Plan }).Run(SmallNetwork.Model(spread: 2), Data, null, null));
        Assert.Contains("made for another model", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Forms_no_layer_can_have_are_refused_by_name()
    {
        QuantizationPlan wrong = Plan with { Layers = [.. Plan.Layers.Select(l => l.Operator == "Conv" ? l with { Form = LayerForm.Dynamic } : l)] };
        Assert.Contains("possible for a product", Assert.Throws<CompressionException>(() => Replay(wrong, 1)).Message, StringComparison.Ordinal);
        QuantizationPlan unknown = Plan with { Layers = [.. Plan.Layers, new("nowhere", "nowhere", "Conv", LayerForm.Static, null, null, null, "")] };
        Assert.Contains("'nowhere'", Assert.Throws<CompressionException>(() => Replay(unknown, 1)).Message, StringComparison.Ordinal);
        QuantizationPlan empty = Plan with { Ranges = [] };
        Assert.Contains("no range for", Assert.Throws<CompressionException>(() => Replay(empty, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_off_anywhere_or_with_any_byte_replaced_is_refused_or_read()
    {
        string path = Path.Combine(folder.FullName, "file.json");
        Broken(System.Text.Encoding.UTF8.GetBytes((Plan with { Layers = [.. Plan.Layers.Take(2)], Ranges = [.. Plan.Ranges.Take(2)] }).ToJson()), () => QuantizationPlan.Load(path));
        (CalibrationRanges.Of(Plan) with { Ranges = [.. Plan.Ranges.Take(2)] }).Save(path);
        Broken(File.ReadAllBytes(path), () => CalibrationRanges.Load(path));

        void Broken(byte[] whole, Action read)
        {
            File.WriteAllBytes(path, whole);
            read();
            IEnumerable<byte[]> cut = Enumerable.Range(0, whole.Length).Select(length => whole[..length]);
            IEnumerable<byte[]> replaced = from at in Enumerable.Range(0, whole.Length) from value in "\0\u007f9-\"[{,"u8.ToArray() select (byte[])[.. whole[..at], value, .. whole[(at + 1)..]];
            foreach (byte[] content in cut.Concat(replaced))
            {
                File.WriteAllBytes(path, content);
                try
                {
                    read();
                }
                catch (CompressionException)
                {
                    // In words; that is what is wanted.
                }
            }
        }
    }

    [Theory]
    [InlineData("null"), InlineData("[null]"), InlineData("[{\"value\": null}]")]
    public void Ranges_without_what_belongs_to_them_are_refused(string ranges)
    {
        string path = Path.Combine(folder.FullName, "ranges.json");
        File.WriteAllText(path, $$"""{"model": "0", "ranges": {{ranges}}, "repairs": [null]}""");
        Assert.Throws<CompressionException>(() => CalibrationRanges.Load(path));
    }

    [Fact]
    public void A_file_that_nests_without_end_is_refused()
    {
        string path = Path.Combine(folder.FullName, "deep.json");
        foreach (string text in new[] { new string('[', 1_000_000), string.Concat(Enumerable.Repeat("{\"layers\":[", 100_000)) })
        {
            File.WriteAllText(path, text);
            Assert.Contains(path, Assert.Throws<CompressionException>(() => QuantizationPlan.Load(path)).Message, StringComparison.Ordinal);
            Assert.Contains(path, Assert.Throws<CompressionException>(() => CalibrationRanges.Load(path)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("{", "is no plan")]
    [InlineData("[]", "is no plan")]
    [InlineData("null", "is no plan")]
    [InlineData("""{"format": 1}""", "is no plan")]
    public void A_file_that_is_no_plan_is_refused_with_its_name(string content, string expected)
    {
        string path = Path.Combine(folder.FullName, "plan.json");
        File.WriteAllText(path, content);
        CompressionException error = Assert.Throws<CompressionException>(() => QuantizationPlan.Load(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"repairs": [{}]}""", "what stands at $.repairs[0], in line 1, does not belong there.")]
    [InlineData("""{"repairs": 1}""", "what stands at $.repairs, in line 1, does not belong there.")]
    [InlineData("""{"repiars": []}""", "'repiars' is none of those that belong there.")]
    public void What_is_wrong_in_a_file_is_told_in_its_own_words(string content, string expected)
    {
        string path = Path.Combine(folder.FullName, "ranges.json");
        File.WriteAllText(path, content);
        string message = Assert.Throws<CompressionException>(() => CalibrationRanges.Load(path)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain("Tersor.Pipeline", message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Typing_errors_other_versions_and_unknown_repairs_are_refused()
    {
        Assert.Contains("is no plan", Refused(Plan.ToJson().Replace("\"repairs\"", "\"repiars\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("version 99", Refused((Plan with { Version = 99 }).ToJson()), StringComparison.Ordinal);
        Assert.Contains("'polish'", Refused((Plan with { Repairs = ["polish"] }).ToJson()), StringComparison.Ordinal);

        string Refused(string json)
        {
            string path = Path.Combine(folder.FullName, "plan.json");
            File.WriteAllText(path, json);
            return Assert.Throws<CompressionException>(() => QuantizationPlan.Load(path)).Message;
        }
    }

    [Fact]
    public void Ranges_that_were_saved_are_used_again()
    {
        string path = Path.Combine(folder.FullName, "ranges.json");
        new CalibrationRanges(Plan.Model, [.. Plan.Ranges.Select(r => r with { Low = 2 * r.Low, High = 2 * r.High, Estimator = "mine" })]).Save(path);
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false, Repairs = [], KnownRanges = CalibrationRanges.Load(path) }).Run(SmallNetwork.Model(), Data, null, null);
        Assert.All(result.Plan!.Ranges, r => Assert.Equal("mine", r.Estimator));
        CompressionException error = Assert.Throws<CompressionException>(() =>
            new QuantizeJob(new() { RequireSpeed = false, KnownRanges = new(Plan.Model, []) }).Run(SmallNetwork.Model(), Data, null, null));
        Assert.Contains("hold none for", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranges_of_another_model_are_refused()
    {
        CompressionException error = Assert.Throws<CompressionException>(() =>
            new QuantizeJob(new() { RequireSpeed = false, KnownRanges = CalibrationRanges.Of(Plan) }).Run(SmallNetwork.Model(spread: 2), Data, null, null));
        Assert.Contains("found with another model", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void Ranges_come_with_the_repairs_the_model_had_and_no_others(bool equalized)
    {
        CalibrationRanges ranges = CalibrationRanges.Of(Plan with { Repairs = equalized ? [RepairNames.Equalize, RepairNames.Bias] : [RepairNames.Bias] });
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false, KnownRanges = ranges }).Run(SmallNetwork.Model(), Data, null, null);
        Assert.Equal(equalized, result.Plan!.Repairs.Contains(RepairNames.Equalize));
        Assert.DoesNotContain(RepairNames.Migrate, result.Plan.Repairs);
        Assert.Equal(result.Model.ToBytes(), new QuantizeJob(new() { Plan = result.Plan }).Run(SmallNetwork.Model(), Data, null, null).Model.ToBytes());
    }

    [Fact]
    public void Numbers_a_plan_cannot_have_are_refused_by_name_all_at_once()
    {
        QuantizationPlan wrong = Plan with
        {
            CalibrationSamples = 0,
            Format = Plan.Format with { WeightBits = 1 },
            SessionOptions = new Dictionary<string, string> { ["session.disable_prepacking"] = "1" },
            Ranges = [.. Plan.Ranges.Select((r, i) => i == 0 ? r with { Low = double.NaN } : r)],
            Layers = [.. Plan.Layers, Plan.Layers[0]],
        };
        string path = Path.Combine(folder.FullName, "wrong.json");
        wrong.Save(path);
        CompressionException read = Assert.Throws<CompressionException>(() => QuantizationPlan.Load(path)), used = Assert.Throws<CompressionException>(() => Replay(wrong, 1));
        foreach (string found in new[] { "CalibrationSamples is 0", "WeightBits is 1", "'session.disable_prepacking'", $"'{Plan.Ranges[0].Value}' is NaN", $"'{Plan.Layers[0].Layer}' stands in it more than once" })
        {
            Assert.Contains(found, read.Message, StringComparison.Ordinal);
            Assert.Contains(found, used.Message, StringComparison.Ordinal);
        }
        Assert.Contains(path, read.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"layers\": [", "\"layers\": [null, ")]
    [InlineData("\"layers\": [", "\"layers\": [{ \"node\": \"n\" }, ")]
    [InlineData("\"ranges\": [", "\"ranges\": [null, ")]
    [InlineData("\"sessionOptions\": {", "\"sessionOptions\": { \"session.set_denormal_as_zero\": null ")]
    [InlineData("\"repairs\": [", "\"repairs\": null, \"sessionOptions\": {}, \"x\": [")]
    public void Holes_in_a_plan_are_refused_with_the_file_s_name(string found, string replacement)
    {
        string path = Path.Combine(folder.FullName, "plan.json"), json = (Plan with { SessionOptions = new Dictionary<string, string>(), Repairs = [] }).ToJson();
        Assert.Contains(found, json, StringComparison.Ordinal);
        File.WriteAllText(path, json.Replace(found, replacement, StringComparison.Ordinal));
        Assert.Contains(path, Assert.Throws<CompressionException>(() => QuantizationPlan.Load(path)).Message, StringComparison.Ordinal);
    }

    private QuantizationPlan SavedAndRead(QuantizationPlan plan)
    {
        string path = Path.Combine(folder.FullName, "model.plan.json");
        plan.Save(path);
        Assert.Single(folder.GetFiles());
        return QuantizationPlan.Load(path);
    }

    private static Model Replay(QuantizationPlan plan, int threads) => new QuantizeJob(new() { Plan = plan, Threads = threads }).Run(SmallNetwork.Model(), Data, null, null).Model;

    private static int Float32Convolutions(Model model) => model.AllNodes().Count(n => n.Is("Conv") && n.Inputs[1]!.Producer is null);
}
