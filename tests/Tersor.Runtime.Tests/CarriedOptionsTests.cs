using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Runtime.Tests;

public sealed class CarriedOptionsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");

    public void Dispose() => folder.Delete(recursive: true);

    private static Model Network() => Build.Model([1, 4, 8, 8], (g, x) => g.Apply("Relu", [g.Conv(x, 1, 4, 4)]));

    [Fact]
    public void A_model_runs_under_the_options_it_carries_from_memory_and_from_a_file()
    {
        Model model = Network();
        Assert.Equal(1, Kernels(model));
        CarriedOptions.Set(model, new Dictionary<string, string> { [CarriedOptions.DisabledOptimizers] = "ConvActivationFusion;NchwcTransformer" });
        Assert.Equal(2, Kernels(model));
        string path = Path.Combine(folder.FullName, "model.onnx");
        model.Save(path);
        SessionSettings joined = CarriedOptions.Join(new() { DisabledOptimizers = ["Other"] }, path);
        Assert.Equal(["Other", "ConvActivationFusion", "NchwcTransformer"], joined.DisabledOptimizers);
        Assert.Empty(CarriedOptions.Join(new() { CarriedOptions = false }, path).DisabledOptimizers);

        static int Kernels(Model m) => Profiler.Profile(m, new Dictionary<string, Tensor> { ["x"] = Build.Normal(1, 1, 1, 4, 8, 8) }, 3, new() { Optimization = EngineOptimization.Extended }).Nodes.Count;
    }

    [Fact]
    public void Options_that_name_files_or_switch_checks_off_are_not_taken_from_a_model()
    {
        Model model = Network();
        model.Metadata[CarriedOptions.Prefix + "session.model_external_initializers_file_folder_path"] = "/";
        model.Metadata[CarriedOptions.Prefix + "session.disable_prepacking"] = "1";
        model.Metadata[CarriedOptions.Prefix + "session.set_denormal_as_zero"] = "1";
        Assert.Equal(["session.set_denormal_as_zero"], CarriedOptions.Of(model.Metadata).Keys);
        Assert.Throws<ArgumentException>(() => CarriedOptions.Set(model, new Dictionary<string, string> { ["session.disable_prepacking"] = "1" }));
    }

    [Fact]
    public void A_value_longer_than_the_engine_takes_does_not_keep_a_model_from_loading()
    {
        Model model = Network();
        model.Metadata[CarriedOptions.Prefix + CarriedOptions.DisabledOptimizers] = new string('x', 100_000);
        using ModelSession session = new(model);
        Assert.Equal(["x"], session.InputNames);
    }

    [Fact]
    public void Setting_options_replaces_those_before_and_leaves_other_metadata()
    {
        Model model = Network();
        model.Metadata["owner"] = "me";
        CarriedOptions.Set(model, new Dictionary<string, string> { ["session.set_denormal_as_zero"] = "1" });
        CarriedOptions.Set(model, new Dictionary<string, string> { [CarriedOptions.DisabledOptimizers] = "A" });
        Assert.Equal(["owner", CarriedOptions.Prefix + CarriedOptions.DisabledOptimizers], model.Metadata.Keys);
        CarriedOptions.Set(model, new Dictionary<string, string>());
        Assert.Equal(["owner"], model.Metadata.Keys);
    }

    [Fact]
    public void A_profile_finds_kernels_whose_values_the_engine_laid_out_anew()
    {
        Model model = Build.Model([1, 16, 16, 16], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 16, 32)]), 2, 32, 32));
        foreach ((Node node, int i) in model.AllNodes().Select((n, i) => (n, i)))
            node.Name = $"node {i}";
        ModelProfile profile = Profiler.Profile(model, new Dictionary<string, Tensor> { ["x"] = Build.Normal(1, 1, 1, 16, 16, 16) }, 5);
        Assert.Equal(2, profile.Nodes.Count(n => n.OpType == "Conv" && n.Sources.Any(s => s.Is("Conv"))));
    }
}
