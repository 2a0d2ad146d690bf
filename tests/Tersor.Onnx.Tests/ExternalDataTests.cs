using System.Diagnostics;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class ExternalDataTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-data-");

    private string ModelPath => Path.Combine(folder.FullName, "model.onnx");

    private string[] Files => [.. folder.GetFiles().Select(f => f.Name).Order(StringComparer.Ordinal)];

    public void Dispose() => folder.Delete(recursive: true);

    private static Model Build(float value, int count = 3, int elements = 2000)
    {
        Model model = new();
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, elements));
        for (int i = 0; i < count; i++)
        {
            float[] values = new float[elements];
            Array.Fill(values, value + i);
            x = model.Graph.AddNode("Add", [x, model.Graph.AddInitializer($"w{i}", Tensor.Vector(values))], [$"y{i}"]).Outputs[0]!;
        }
        x.Type = OnnxType.Of(ElementType.Float32, elements);
        model.Graph.AddOutput(x);
        return model;
    }

    private static readonly WriteOptions Outside = new() { ExternalData = ExternalDataMode.Always };

    [Fact]
    public void Large_tensors_go_outside_aligned_and_small_ones_stay()
    {
        Model model = Build(1);
        model.Graph.AddOutput(model.Graph.AddNode("Identity", [model.Graph.AddInitializer("small", Tensor.Vector(1f))], ["s"]).Outputs[0]!);
        model.Save(ModelPath, Outside);
        Assert.Equal(["model.onnx", "model.onnx.data"], Files);
        Model back = Model.Load(ModelPath);
        Assert.Equal([true, true, true, false], back.Graph.Initializers.Select(i => i.Tensor!.IsExternal));
        Assert.Empty(GraphComparer.Differences(model, back));
        Assert.Equal(8192 + 8192 + 8000, new FileInfo(ModelPath + ".data").Length); // 8,000 bytes each, at page boundaries
        Assert.Equal(Running.Run(model, Feed())["y2"].ToFloats(), RunFile(ModelPath));
    }

    [Fact]
    public void A_tensor_used_twice_is_stored_once()
    {
        Model model = new();
        Tensor shared = Tensor.Vector(new float[2000]);
        model.Graph.AddOutput(model.Graph.AddNode("Add", [model.Graph.AddInitializer("a", shared), model.Graph.AddInitializer("b", shared)], ["y"]).Outputs[0]!);
        model.Save(ModelPath, Outside);
        Assert.Equal(8000, new FileInfo(ModelPath + ".data").Length);
    }

    [Fact]
    public void Beyond_the_limit_data_goes_outside_by_itself_and_Never_means_never()
    {
        Build(1).Save(ModelPath, new() { MaxInlineBytes = 20_000 });
        Assert.Equal(["model.onnx", "model.onnx.data"], Files);
        Model.Load(ModelPath).Save(ModelPath); // stays outside, because it was
        Assert.Equal(2, Files.Length);
        Assert.True(Model.Load(ModelPath).Graph.Initializers.First().Tensor!.IsExternal);
        Model.Load(ModelPath).Save(ModelPath, new() { ExternalData = ExternalDataMode.Never });
        Assert.Equal(["model.onnx"], Files);
    }

    [Fact]
    public void A_model_written_over_itself_keeps_its_weights_and_leaves_one_data_file()
    {
        Build(1).Save(ModelPath, Outside);
        for (int round = 0; round < 3; round++)
        {
            Model model = Model.Load(ModelPath);
            Model before = model.Clone();
            model.Graph.Initializers.First().SetTensor(Tensor.Vector(Enumerable.Repeat(10f + round, 2000).ToArray()));
            model.Save(ModelPath);
            Assert.Equal(2, Files.Length);
            Assert.Equal(3f, before.Graph.Initializers.Last().Tensor!.ToFloats()[0]); // what was read stays readable
            Assert.Empty(GraphComparer.Differences(model, Model.Load(ModelPath)));
        }
    }

    [Fact]
    public void Data_is_read_when_asked_for_and_in_parts()
    {
        Build(1).Save(ModelPath, Outside);
        Model model = Model.Load(ModelPath);
        Tensor second = model.Graph.Initializers.Skip(1).First().Tensor!;
        float[] part = new float[2];
        second.Read(4, System.Runtime.InteropServices.MemoryMarshal.AsBytes(part.AsSpan()));
        Assert.Equal([2f, 2f], part);
        using (FileStream data = new(ModelPath + ".data", FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            data.SetLength(100);
        Assert.Contains("ended at byte", Assert.Throws<OnnxException>(() => second.ToFloats()).Message);
        Assert.Contains("which has only 100", Assert.Throws<OnnxException>(() => Model.Load(ModelPath)).Message);
        Model sizes = Model.Load(ModelPath, new() { SkipExternalData = true });
        Assert.Equal(2000, sizes.Graph.Initializers.First().Tensor!.Length);
        Assert.Throws<InvalidOperationException>(() => sizes.Graph.Initializers.First().Tensor!.ToFloats());
    }

    [Fact]
    public void A_failed_check_leaves_the_old_model_and_nothing_else()
    {
        Build(1).Save(ModelPath, Outside);
        byte[] before = File.ReadAllBytes(ModelPath);
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => Build(5).Save(ModelPath, Outside with
        {
            Verify = path =>
            {
                Assert.Equal(5f, Model.Load(path).Graph.Initializers.First().Tensor!.ToFloats()[0]); // complete, data in place
                throw new InvalidOperationException("the engine refuses it");
            },
        }));
        Assert.Equal("the engine refuses it", error.Message);
        Assert.Equal(["model.onnx", "model.onnx.data"], Files);
        Assert.Equal(before, File.ReadAllBytes(ModelPath));
        Assert.Equal(1f, Model.Load(ModelPath).Graph.Initializers.First().Tensor!.ToFloats()[0]);
    }

    [Fact]
    public void What_a_killed_write_left_is_cleared_and_other_files_are_not_touched()
    {
        Build(1).Save(ModelPath, Outside);
        string dead = Mark(DeadProcess());
        File.WriteAllText(ModelPath + dead, "half a model");
        File.WriteAllText($"{ModelPath}.data{dead}", "half of its data");
        File.WriteAllText(ModelPath + ".1.data", "data whose model never came");
        File.WriteAllLines($"{ModelPath}{dead}.journal", ["model.onnx.1.data", "model.onnx.data", "../precious", "precious.data"]);
        string alive = Mark(1);
        foreach (string other in new[] { ModelPath + alive, ModelPath + ".2.data", Path.Combine(folder.FullName, "precious.data"), Path.Combine(folder.FullName, "precious") })
            File.WriteAllText(other, "somebody else's");
        Build(2).Save(ModelPath, new() { ExternalData = ExternalDataMode.Never });
        Assert.Equal(["model.onnx", "model.onnx.2.data", "model.onnx" + alive, "precious", "precious.data"], Files);

        static string Mark(int process) => $".tersor-{process}-1";
    }

    [Fact]
    public void A_full_disk_gives_one_error_and_leaves_the_old_model()
    {
        Assert.SkipWhen(!OperatingSystem.IsLinux(), "needs a small file system of its own");
        string disk = Directory.CreateDirectory(Path.Combine(folder.FullName, "disk")).FullName;
        using Process mount = Process.Start(new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]) { RedirectStandardError = true })!;
        mount.WaitForExit();
        Assert.SkipWhen(mount.ExitCode != 0, "needs the privilege to mount a small file system");
        try
        {
            string path = Path.Combine(disk, "model.onnx");
            Build(1).Save(path, Outside);
            foreach (ExternalDataMode mode in new[] { ExternalDataMode.Always, ExternalDataMode.Never })
            {
                IOException error = Assert.Throws<IOException>(() => Build(7, count: 40).Save(path, new() { ExternalData = mode }));
                Assert.Contains("cannot be written", error.Message);
                Assert.DoesNotContain('\n', error.Message);
                Assert.Equal(["model.onnx", "model.onnx.data"], Directory.GetFiles(disk).Select(f => Path.GetFileName(f)!).Order());
                Assert.Equal(1f, Model.Load(path).Graph.Initializers.First().Tensor!.ToFloats()[0]);
            }
        }
        finally
        {
            using Process unmount = Process.Start("umount", ["-l", disk]);
            unmount.WaitForExit();
        }
    }

    [Fact]
    public void Access_rights_of_the_file_that_is_replaced_are_kept()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("needs Unix access rights");
            return;
        }
        Build(1).Save(ModelPath);
        File.SetUnixFileMode(ModelPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Build(2).Save(ModelPath);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ModelPath));
    }

    private static Dictionary<string, Tensor> Feed() => new() { ["x"] = Tensor.Vector(new float[2000]) };

    private static float[] RunFile(string path)
    {
        using Runtime.ModelSession session = new(path);
        return session.Run(Feed())["y2"].ToFloats();
    }

    private static int DeadProcess()
    {
        using Process process = Process.Start(OperatingSystem.IsWindows() ? "whoami" : "true");
        process.WaitForExit();
        return process.Id;
    }
}
