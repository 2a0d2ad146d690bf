using System.Diagnostics;
using Tersor.Onnx;
using static Tersor.Runtime.Tests.TestModels;

namespace Tersor.Runtime.Tests.Guard;

public sealed class ModelGuardTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
    private readonly ModelGuard guard = new();

    public void Dispose()
    {
        guard.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void A_sound_model_gives_the_same_outputs_as_in_this_process_and_the_child_serves_again()
    {
        Model model = Growing(17);
        Dictionary<string, Tensor> inputs = new() { ["count"] = Tensor.Scalar(3L), ["x"] = Tensor.Vector(1f, 2f) };
        using ModelSession session = new(model);
        IReadOnlyDictionary<string, Tensor> expected = session.Run(inputs);
        string path = Save(model);
        int? first = null;
        for (int i = 0; i < 3; i++)
        {
            GuardResult result = guard.Run(path, Sample([.. inputs.Select(p => (p.Key, p.Value))]));
            Assert.Equal((GuardOutcome.Success, ""), (result.Outcome, result.Reason));
            foreach ((string name, Tensor tensor) in expected)
                Assert.True(((RuntimeValue.Dense)result.Outputs[0][name]).Tensor.ContentEquals(tensor));
            Assert.True(result.PeakMemoryBytes > 10 << 20);
            Assert.True(result.LoadTime > TimeSpan.Zero && result.CpuTime > TimeSpan.Zero);
            first ??= guard.ChildId;
            Assert.Equal(first, guard.ChildId);
        }
    }

    [Fact]
    public void Steps_feed_state_back_and_containers_come_back()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2)), h = model.Graph.AddInput("h", OnnxType.Of(ElementType.Float32, 2));
        Give(model.Graph, model.Graph.AddNode("Add", [x, h], ["hn"]).Outputs[0]!);
        Give(model.Graph, model.Graph.AddNode("SequenceConstruct", [x, h], ["both"]).Outputs[0]!, new OnnxType.Sequence(OnnxType.Of(ElementType.Float32, 2)));
        GuardResult result = guard.Run(Save(model),
            [new Dictionary<string, RuntimeValue> { ["x"] = Tensor.Vector(1f, 2f), ["h"] = Tensor.Vector(0f, 0f) }, new Dictionary<string, RuntimeValue> { ["x"] = Tensor.Vector(10f, 20f) }],
            new Dictionary<string, string> { ["hn"] = "h" });
        Assert.Equal("", result.Reason);
        Assert.Equal([11f, 22f], ((RuntimeValue.Dense)result.Outputs[1]["hn"]).Tensor.ToFloats());
        RuntimeValue.Sequence both = Assert.IsType<RuntimeValue.Sequence>(result.Outputs[1]["both"]);
        Assert.Equal([[10f, 20f], [1f, 2f]], both.Elements.Select(e => ((RuntimeValue.Dense)e).Tensor.ToFloats()));
    }

    [Fact]
    public void What_the_engine_refuses_is_one_line_without_source_places()
    {
        string broken = Path.Combine(folder.FullName, "broken.onnx");
        File.WriteAllBytes(broken, [1, 2, 3, 4]);
        GuardResult load = guard.Load(broken);
        Assert.Equal(GuardOutcome.EngineError, load.Outcome);
        Assert.DoesNotContain('\n', load.Reason);

        Model model = new(17, irVersion: 8);
        Value a = model.Graph.AddInput("a", OnnxType.Of(ElementType.Float32, "n")), b = model.Graph.AddInput("b", OnnxType.Of(ElementType.Float32, "m"));
        Give(model.Graph, model.Graph.AddNode("Add", [a, b], ["y"]).Outputs[0]!);
        GuardResult run = guard.Run(Save(model), Sample(("a", Tensor.Vector(1f, 2f)), ("b", Tensor.Vector(1f, 2f, 3f))));
        Assert.Equal(GuardOutcome.EngineError, run.Outcome);
        Assert.DoesNotContain(".cc", run.Reason);
        Assert.DoesNotContain(".h:", run.Reason);
        Assert.Contains("2 by 3", run.Reason);
    }

    [Fact]
    public void A_model_that_does_not_end_is_ended()
    {
        GuardResult result = guard.Run(Save(Growing(17)), Sample(("count", Tensor.Scalar(1L << 60)), ("x", Tensor.Vector(1f, 2f))),
            limits: new() { Time = TimeSpan.FromSeconds(2), MemoryBytes = 20L << 30 });
        Assert.Equal(GuardOutcome.Timeout, result.Outcome);
        Assert.Contains("2 s", result.Reason);
        Assert.True(guard.Load(Save(Branches(16))).Succeeded); // a new child serves the next request
    }

    [Fact]
    public void A_model_that_takes_too_much_memory_is_ended()
    {
        Model model = new(17, irVersion: 8);
        Value shape = model.Graph.AddInput("shape", OnnxType.Of(ElementType.Int64, 1));
        Value zeros = model.Graph.AddNode("ConstantOfShape", [shape], ["zeros"]).Outputs[0]!;
        Give(model.Graph, model.Graph.AddNode("Size", [zeros], ["n"]).Outputs[0]!, OnnxType.Of(ElementType.Int64));
        GuardResult result = guard.Run(Save(model), Sample(("shape", Tensor.Vector(600_000_000L))), limits: new() { MemoryBytes = 300L << 20 });
        Assert.Equal(GuardOutcome.MemoryExceeded, result.Outcome);
        Assert.True(result.PeakMemoryBytes > 300L << 20);
    }

    [Fact]
    public async Task A_child_that_dies_is_a_crash_and_the_next_request_gets_a_new_one()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs signals");
        Assert.True(guard.Load(Save(Branches(16))).Succeeded);
        int child = guard.ChildId!.Value;
        Task<GuardResult> running = Task.Run(() => guard.Run(Save(Growing(17)), Sample(("count", Tensor.Scalar(1L << 60)), ("x", Tensor.Vector(1f, 2f))), limits: new() { MemoryBytes = 20L << 30 }));
        await Task.Delay(300);
        using (Process kill = Process.Start("kill", ["-KILL", child.ToString()]))
            await kill.WaitForExitAsync();
        GuardResult result = await running;
        Assert.Equal(GuardOutcome.Crash, result.Outcome);
        Assert.Contains("SIGKILL", result.Reason);
        Assert.True(guard.Load(Save(Branches(16))).Succeeded);
        Assert.NotEqual(child, guard.ChildId);
    }

    [Fact]
    public void Cancelling_ends_the_child()
    {
        using CancellationTokenSource source = new(TimeSpan.FromSeconds(1));
        Assert.Throws<OperationCanceledException>(() => guard.Run(Save(Growing(17)), Sample(("count", Tensor.Scalar(1L << 60)), ("x", Tensor.Vector(1f, 2f))),
            limits: new() { MemoryBytes = 20L << 30 }, cancellation: source.Token));
    }

    [Fact]
    public async Task A_child_whose_parent_is_gone_ends_even_while_it_runs_a_model()
    {
        using Process child = Process.Start(Runtime.Guard.GuardHost.StartInfo())!;
        Runtime.Guard.ValueFile.Write(Runtime.Guard.GuardChild.InputFile(folder.FullName, 0), new Dictionary<string, RuntimeValue> { ["count"] = Tensor.Scalar(1L << 60), ["x"] = Tensor.Vector(1f, 2f) });
        Runtime.Guard.GuardRequest request = new(Save(Growing(17)), folder.FullName, new(), 1, false, false, [], 1);
        child.StandardInput.WriteLine(System.Text.Json.JsonSerializer.Serialize(request, Runtime.Guard.GuardJson.Default.GuardRequest));
        child.StandardInput.Flush();
        await Task.Delay(500);
        Assert.False(child.HasExited);
        child.StandardInput.Close(); // what the system does when the parent dies
        Assert.True(child.WaitForExit(10_000));
    }

    private string Save(Model model)
    {
        string path = Path.Combine(folder.FullName, $"{model.Graph.Nodes.First().OpType}-{model.Opset}.onnx");
        model.Save(path);
        return path;
    }
}
