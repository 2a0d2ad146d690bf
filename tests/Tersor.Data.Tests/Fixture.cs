using Tersor.Data.Preprocessing;
using Tersor.Data.Sources;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Data.Tests;

/// <summary>The files that make_fixtures.py writes.</summary>
internal static class Fixture
{
    public static string Folder { get; } = Path.Combine(SharedFiles.Repository, "tests", "Tersor.Data.Tests", "Fixtures");

    public static string At(string name) => Path.Combine(Folder, name);

    public static IEnumerable<string> Names(string npz) => NpzFile.Open(At(npz)).Keys;

    public static (byte[] Bytes, long[] Shape, ElementType Type) Array(string npz, string name)
    {
        ArrayFile file = NpzFile.Open(At(npz))[name];
        return ([.. Enumerable.Range(0, file.Count).SelectMany(i => file.Record(i).Bytes.ToArray())], file.Shape.ToArray(), file.Type);
    }

    public static PixelImage Image(string npz, string name)
    {
        (byte[] bytes, long[] shape, _) = Array(npz, name);
        return new((int)shape[1], (int)shape[0], shape.Length == 3 ? (int)shape[2] : 1, bytes);
    }

    public static int LargestDifference(byte[] actual, byte[] expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        return actual.Zip(expected, (a, e) => Math.Abs(a - e)).DefaultIfEmpty(0).Max();
    }
}
