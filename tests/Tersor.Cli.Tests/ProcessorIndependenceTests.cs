using System.Diagnostics;
using System.Text.Json.Nodes;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>The same plan gives the same bytes whatever vector registers the processor has.</summary>
public sealed class ProcessorIndependenceTests : IDisposable
{
    private const string Data = "random,count=12,seed=3,x=1x16x8x8";

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_plan_with_every_repair_gives_equal_bytes_without_vector_instructions()
    {
        string model = folder.At("model.onnx"), plan = folder.At("all.json");
        Build.Model([1, 16, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 16, 64)]), 2, 64, 64)).Save(model);
        Cli first = await Cli.Run("quantize", model, "-o", folder.At("first.onnx"), "--data", Data, "--allow-slower", "--sensitivity-samples", "0", "--min-sqnr", "0", "--rounds", "0", "--repair", "none", "--no-cache");
        Assert.Equal(0, first.ExitCode);
        // Which repairs help is measured; here all of them are to run.
        JsonNode json = JsonNode.Parse(File.ReadAllText(folder.At("first.plan.json")))!;
        json["repairs"] = new JsonArray("equalize", "migrate", "clip", "bias", "round");
        File.WriteAllText(plan, json.ToJsonString());

        byte[] expected = Replay(model, plan, "all.onnx", null);
        Assert.NotEqual(File.ReadAllBytes(folder.At("first.onnx")), expected); // the repairs did something
        foreach (string feature in new[] { "DOTNET_EnableHWIntrinsic", "DOTNET_EnableAVX2", "DOTNET_EnableAVX512F" })
            Assert.Equal(expected, Replay(model, plan, $"{feature}.onnx", feature));
    }

    /// <summary>Carries the plan out in a process of its own, one processor feature switched off.</summary>
    private byte[] Replay(string model, string plan, string output, string? feature)
    {
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in new[] { typeof(CommandLine).Assembly.Location, "quantize", model, "-o", folder.At(output), "--data", Data, "--plan", plan, "--allow-slower", "--rounds", "0" })
            start.ArgumentList.Add(argument);
        if (feature is not null)
            start.Environment[feature] = "0";
        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{error}\n{said.Result}");
        return File.ReadAllBytes(folder.At(output));
    }
}
