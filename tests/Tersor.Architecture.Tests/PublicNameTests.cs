using System.Reflection;

namespace Tersor.Architecture.Tests;

/// <summary>Whoever has all our namespaces open, beside those of implicit usings, can name every type without a qualifier.</summary>
public sealed class PublicNameTests
{
    private static readonly string[] Implicit = ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    private static readonly Type[] Ours =
        [.. new[] { "Tersor.Onnx", "Tersor.Data", "Tersor.Runtime", "Tersor.Compression", "Tersor.Pipeline", "Tersor.Reporting" }.SelectMany(n => Assembly.Load(n).GetExportedTypes()).Where(t => !t.IsNested)];

    [Fact]
    public void No_two_public_types_have_one_name() =>
        Assert.Empty(Ours.GroupBy(t => t.Name).Where(g => g.Count() > 1).Select(g => string.Join(", ", g.Select(t => t.FullName))));

    [Fact]
    public void No_public_type_has_a_name_that_implicit_usings_bring()
    {
        HashSet<string> taken = [.. new[] { typeof(object), typeof(Enumerable), typeof(Environment), typeof(Version), typeof(HttpClient), typeof(Queue<>), typeof(Stack<>) }
            .SelectMany(t => t.Assembly.GetExportedTypes()).Where(t => !t.IsNested && Implicit.Contains(t.Namespace)).Select(t => t.Name)];
        Assert.Contains("Attribute", taken);
        Assert.Empty(Ours.Where(t => taken.Contains(t.Name)).Select(t => t.FullName));
    }
}
