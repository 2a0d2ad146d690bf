using Tersor.Onnx.Files;

namespace Tersor.Onnx.Tests.Files;

/// <summary>Temporary folders go with who made them, or soon after.</summary>
public sealed class ScratchFolderTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("tersor-test-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void It_is_gone_with_all_that_is_in_it_when_disposed()
    {
        ScratchFolder folder = new();
        File.WriteAllText(folder.At("file"), "1");
        folder.Dispose();
        folder.Dispose();
        Assert.False(Directory.Exists(folder.Path));
    }

    [Fact]
    public void What_a_killed_process_left_is_removed_and_what_is_in_use_is_not()
    {
        string left = Made("tersor-left"), used = Made("tersor-used"), others = Directory.CreateDirectory(Path.Combine(root, "tersor-others")).FullName;
        using (FileStream held = new(Path.Combine(used, ScratchFolder.LockName), FileMode.Open, FileAccess.Write, FileShare.None))
        {
            ScratchFolder.Sweep(root);
            Assert.False(Directory.Exists(left));
            Assert.True(Directory.Exists(used));
            Assert.True(Directory.Exists(others)); // nothing says that it is one of ours
        }
        ScratchFolder.Sweep(root);
        Assert.False(Directory.Exists(used));
        ScratchFolder.Sweep(Path.Combine(root, "absent"));
    }

    private string Made(string name)
    {
        string path = Directory.CreateDirectory(Path.Combine(root, name)).FullName;
        File.WriteAllText(Path.Combine(path, ScratchFolder.LockName), "");
        File.WriteAllText(Path.Combine(path, "model.onnx"), "half");
        return path;
    }
}
