using System.Diagnostics;
using System.Net.Sockets;
using Tersor.Onnx.Files;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Files;

/// <summary>A file is replaced as a whole or not at all, and nothing but a file ever is.</summary>
public sealed class OutputFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tersor-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Devices_pipes_sockets_and_folders_are_refused_and_stay()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such files.");
        string pipe = Path.Combine(folder, "pipe"), socket = Path.Combine(folder, "socket");
        using (Process made = Process.Start("mkfifo", pipe))
            made.WaitForExit();
        using Socket listening = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(socket));
        foreach ((string path, string what) in new[] { (pipe, "a pipe"), (socket, "a socket"), ("/dev/null", "a device"), (folder, "a folder") })
        {
            string link = Path.Combine(folder, "link");
            File.CreateSymbolicLink(link, path);
            // Targets are asked for before anything is written: were this wrong, no device would be lost to the test.
            Assert.Contains(what, Assert.Throws<IOException>(() => OutputFile.Target(path)).Message, StringComparison.Ordinal);
            Assert.Contains(what, Assert.Throws<IOException>(() => OutputFile.Target(link)).Message, StringComparison.Ordinal);
            File.Delete(link);
        }
        Assert.Throws<IOException>(() => OutputFile.WriteText(pipe, text => text.Write("no")));
        Assert.Empty(Directory.EnumerateFiles(folder, "*" + OutputFile.Mark + "*"));
    }

    [Fact]
    public void A_link_stays_and_what_it_leads_to_is_replaced()
    {
        string file = Path.Combine(folder, "there", "file"), link = Path.Combine(folder, "link"), further = Path.Combine(folder, "further");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.CreateSymbolicLink(link, file);
        File.CreateSymbolicLink(further, link);
        OutputFile.WriteText(further, text => text.Write("one")); // the links lead nowhere yet
        Assert.Equal("one", File.ReadAllText(file));
        OutputFile.WriteText(link, text => text.Write("two"));
        Assert.Equal("two", File.ReadAllText(file));
        Assert.Equal(link, new FileInfo(further).LinkTarget);
        Assert.Equal(file, new FileInfo(link).LinkTarget);
    }

    [Fact]
    public void Links_in_a_circle_are_refused()
    {
        string a = Path.Combine(folder, "a"), b = Path.Combine(folder, "b");
        File.CreateSymbolicLink(a, b);
        File.CreateSymbolicLink(b, a);
        Assert.ThrowsAny<IOException>(() => OutputFile.WriteText(a, text => text.Write("no")));
    }

    [Fact]
    public void What_fails_half_way_leaves_the_old_file_and_nothing_else()
    {
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "old");
        Assert.Throws<InvalidOperationException>(() => OutputFile.WriteText(file, text =>
        {
            text.Write(new string('x', 1 << 20));
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(file));
        Assert.Equal([file], Directory.EnumerateFiles(folder));
    }

    [Theory]
    [InlineData(240, 'm')]
    [InlineData(255, 'm')]
    [InlineData(127, 'ü')]
    public void Names_as_long_as_a_file_system_allows_are_written(int length, char character)
    {
        string name = new string(character, length - 5) + ".onnx", file = Path.Combine(folder, name);
        OutputFile.WriteText(file, text => text.Write("1"));
        Assert.Equal("1", File.ReadAllText(file));
        Build.Model([1, 3], (graph, x) => graph.Apply("Relu", [x])).Save(file);
        Assert.Single(Model.Load(file).Graph.Nodes);
        Assert.Equal([file], Directory.EnumerateFiles(folder));
    }

    [Fact]
    public void What_a_killed_process_left_is_swept_by_the_next_write_of_that_name()
    {
        string file = Path.Combine(folder, "state"), other = Path.Combine(folder, $"stately{OutputFile.Mark}2147483647-1");
        File.WriteAllText($"{file}{OutputFile.Mark}2147483647-1", "half");
        File.WriteAllText(other, "another's");
        OutputFile.WriteText(file, text => text.Write("whole"));
        Assert.Equal(new[] { file, other }.Order(StringComparer.Ordinal), Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal));
    }
}
