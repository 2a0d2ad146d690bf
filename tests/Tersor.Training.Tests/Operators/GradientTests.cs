using System.Diagnostics;
using System.Globalization;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Operators;

namespace Tersor.Training.Tests.Operators;

/// <summary>Gradients of every operator against differences of its values, in double precision.</summary>
public sealed class GradientTests(ITestOutputHelper output)
{
    // TERSOR_CASES=conv,lstm runs only tests whose name holds one of the words, and asks for no completeness.
    private static readonly string[] Words = (Environment.GetEnvironmentVariable("TERSOR_CASES") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Beyond that many elements a test says no more about gradients, only later.</summary>
    private const long MostElements = 20_000;

    /// <summary>The gradient is not that of the values, on purpose: rounding passes it straight through.</summary>
    private static readonly string[] StraightThrough =
        ["QuantizeLinear", "com.microsoft:QuantizeLinear", "DynamicQuantizeLinear", "QLinearMatMul", "QLinearConv", "com.microsoft:DynamicQuantizeMatMul", "tersor.training:FakeQuantize"];

    /// <summary>The result is random, or follows a seed rather than the input.</summary>
    private static readonly string[] Random = ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

    /// <summary>The result is made of steps, of truth values, of integers or of nothing but shapes: its gradient is zero wherever it has one.</summary>
    private static readonly string[] Stepwise =
    [
        "ArgMax", "ArgMin", "Ceil", "Floor", "Round", "Sign", "Hardmax", "EyeLike", "IsInf", "IsNaN",
        "And", "Or", "Xor", "Not", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
        "BitCast", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "ConvInteger",
        "ConstantOfShape", "NonMaxSuppression", "NonZero", "OptionalHasElement", "Range", "SequenceEmpty", "SequenceLength", "Shape", "Size",
        "BlackmanWindow", "HammingWindow", "HannWindow", "MelWeightMatrix",
    ];

    [Fact]
    public void Gradients_are_those_of_differences()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Stopwatch watch = Stopwatch.StartNew();
        HashSet<string> covered = new(StringComparer.Ordinal);
        List<string> problems = [];
        int models = 0, elements = 0, skipped = 0;
        foreach (OperatorCase test in Cases())
        {
            GradientCheck check = new(test, differences: test.Name.Contains("_expanded", StringComparison.Ordinal) ? 3 : 12);
            if (!check.Run())
                continue;
            models++;
            elements += check.Checked;
            skipped += check.Skipped;
            problems.AddRange(check.Problems);
            covered.UnionWith(check.Covered);
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{models} models, {elements} elements checked, {skipped} left out where the function has kinks, {watch.Elapsed.TotalSeconds:F1} s"));
        output.WriteLine($"gradients other than zero through {covered.Count} operators: {string.Join(' ', covered.Order(StringComparer.Ordinal))}");
        foreach (string problem in problems)
            output.WriteLine(problem);
        Assert.True(problems.Count == 0, $"{problems.Count} gradients are wrong, the first: {problems.FirstOrDefault()}");
        if (Words.Length > 0)
            return;
        string[] all = [.. OperatorTable.All().Select(r => Key(r.Domain, r.OpType)).Distinct()], excepted = [.. StraightThrough, .. Random, .. Stepwise];
        string[] left = [.. all.Except(excepted).Except(covered).Order(StringComparer.Ordinal)];
        Assert.True(left.Length == 0, $"no gradient was checked through {string.Join(' ', left)}");
        Assert.Empty(Stepwise.Intersect(covered)); // the lists above say nothing that is not so
    }

    /// <summary>An operator's name, with its domain where that is not ONNX's own.</summary>
    internal static string Key(string domain, string opType) => domain.Length == 0 ? opType : $"{domain}:{opType}";

    private static IEnumerable<OperatorCase> Cases() => SharedFiles.BackendTests.Where(f => Chosen(Path.GetFileName(f)) && !BackendRun.DrawsRandomNumbers(Path.GetFileName(f)))
        .Select(f => BackendTest.Load(f, out _)).OfType<BackendTest>().Select(t => new OperatorCase(t.Name, t.Model, t.Inputs))
        .Concat(OperatorCase.All().Where(c => Chosen(c.Name)))
        .Where(c => c.Inputs.Values.Any(t => t.Type.IsFloat()) && c.Inputs.Values.Sum(t => t.Length) <= MostElements && !c.Model.AllNodes().Any(IsExcepted));

    private static bool Chosen(string name) => Words.Length == 0 || Words.Any(w => name.Contains(w, StringComparison.OrdinalIgnoreCase));

    private static bool IsExcepted(Node node) => StraightThrough.Contains(Key(node.Domain, node.OpType)) || Random.Contains(node.OpType)
        // Casts to floats of 8 bits or fewer round too.
        || node.Is("Cast", "CastLike") && node.Graph.Outputs.Concat(node.Graph.Inputs).Any(v => v.Type?.AsTensor is { } type && type.ElementType.IsFloat() && type.ElementType.Bits() <= 8);
}
