using System.Reflection;
using System.Xml.Linq;

namespace Tersor.Architecture.Tests;

/// <summary>Dependencies point one way. The table is the rule; the tests hold project files and built assemblies against it.</summary>
public sealed class DependencyTests
{
    /// <summary>What a project may use of this repository, lowest first; a project may use everything below it in its own row.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Tersor.Onnx"] = [],
        ["Tersor.Data"] = ["Tersor.Onnx"],
        ["Tersor.Runtime"] = ["Tersor.Onnx", "Tersor.Data"],
        ["Tersor.Compression"] = ["Tersor.Onnx", "Tersor.Data", "Tersor.Runtime"],
        ["Tersor.Training"] = ["Tersor.Onnx", "Tersor.Data", "Tersor.Runtime", "Tersor.Compression"],
        ["Tersor.Pipeline"] = ["Tersor.Onnx", "Tersor.Data", "Tersor.Runtime", "Tersor.Compression"],
        ["Tersor.Reporting"] = ["Tersor.Onnx", "Tersor.Data", "Tersor.Runtime", "Tersor.Compression", "Tersor.Pipeline"],
        ["tersor"] = ["Tersor.Onnx", "Tersor.Data", "Tersor.Runtime", "Tersor.Compression", "Tersor.Pipeline", "Tersor.Reporting"],
    };

    /// <summary>Packages that belong to one layer and must not leak into those below it.</summary>
    private static readonly Dictionary<string, string[]> PackageUsers = new()
    {
        ["Microsoft.ML.OnnxRuntime"] = ["Tersor.Runtime"],
        ["Google.Protobuf"] = ["Tersor.Onnx"],
        ["SkiaSharp"] = ["Tersor.Data"],
        ["TorchSharp"] = ["Tersor.Training"],
        ["YamlDotNet"] = ["Tersor.Data"],
        ["System.CommandLine"] = ["tersor"],
        ["Spectre.Console"] = ["tersor"],
    };

    public static TheoryData<string> Projects => [.. Repository.Files("src", "*.csproj")];

    [Fact]
    public void The_table_names_every_project() =>
        Assert.Equal(Projects.Select(p => AssemblyName(p.Data)).Order(StringComparer.Ordinal), Allowed.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_references_point_down(string project)
    {
        IEnumerable<string> references = XDocument.Load(Path.Combine(Repository.Root, project)).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
        Assert.Subset(Allowed[AssemblyName(project)].ToHashSet(), references.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assembly_references_point_down(string project)
    {
        string name = AssemblyName(project);
        HashSet<string> references = [.. Assembly.Load(name).GetReferencedAssemblies().Select(a => a.Name!)];
        Assert.Subset(Allowed[name].ToHashSet(), references.Where(r => r.StartsWith("Tersor.", StringComparison.Ordinal)).ToHashSet());
        Assert.All(PackageUsers, rule => Assert.False(references.Contains(rule.Key) && !rule.Value.Contains(name), $"{name} uses {rule.Key}, which belongs to {string.Join(", ", rule.Value)}."));
    }

    [Fact]
    public void The_model_library_needs_neither_engine_nor_image_library()
    {
        XDocument project = XDocument.Load(Path.Combine(Repository.Root, "src", "Tersor.Onnx", "Tersor.Onnx.csproj"));
        Assert.Equal(["Google.Protobuf", "Grpc.Tools", "System.IO.Hashing"], project.Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Only_what_trains_needs_libtorch() =>
        Assert.Equal(["src/Tersor.Training/packages.lock.json"], Repository.Files("src", "packages.lock.json").Where(f => File.ReadAllText(Path.Combine(Repository.Root, f)).Contains("torch", StringComparison.OrdinalIgnoreCase)));

    [Fact]
    public void Tests_mirror_projects()
    {
        IEnumerable<string> tested = Projects.Select(p => $"tests/{Path.GetFileNameWithoutExtension(p.Data)}.Tests/{Path.GetFileNameWithoutExtension(p.Data)}.Tests.csproj");
        Assert.Superset(tested.ToHashSet(), Repository.Files("tests", "*.csproj").ToHashSet());
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        HashSet<string> listed = [.. XDocument.Load(Path.Combine(Repository.Root, "Tersor.slnx")).Descendants("Project").Select(p => p.Attribute("Path")!.Value)];
        Assert.DoesNotContain(Repository.Files(".", "*.csproj"), p => !listed.Contains(p));
    }

    private static string AssemblyName(string project) => Path.GetFileNameWithoutExtension(project) is "Tersor.Cli" ? "tersor" : Path.GetFileNameWithoutExtension(project);

    [Fact]
    public void The_platforms_that_are_said_to_work_are_those_that_packages_are_made_for()
    {
        Assert.Contains($"<ToolPackageRuntimeIdentifiers>{string.Join(';', Runtime.Platform.Supported)}<", Repository.Read("src", "Tersor.Cli", "Tersor.Cli.csproj"), StringComparison.Ordinal);
        string kept = Repository.Read("src", "Tersor.Data", "Packaging", "Tersor.Data.targets"), libtorch = Repository.Read("eng", "Libtorch.props");
        Assert.All(Runtime.Platform.Supported, p => Assert.Contains($";{p};", kept, StringComparison.Ordinal));
        Assert.All(Runtime.Platform.SupportedForTraining, p => Assert.Contains($"libtorch-cpu-{p}\"", libtorch, StringComparison.Ordinal));
    }
}
