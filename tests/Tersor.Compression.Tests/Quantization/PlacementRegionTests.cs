using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class PlacementRegionTests
{
    [Fact]
    public void Units_are_in_one_region_when_values_between_them_stay_in_8_bits()
    {
        Model model = Build.Model([1, 16, 8, 8], (g, x) =>
        {
            Value a = g.Conv(x, 1, 16, 16), b = g.Conv(a, 2, 16, 16);
            Value sum = g.Apply("Add", [a, b]);                   // joins both
            return g.Conv(g.Apply("Tanh", [sum]), 3, 16, 16);      // Tanh has no 8-bit form
        });
        QuantizationPlacement everything = new Placer(EngineRules.X64Vnni, ShapeInference.Infer(model).TypeOf).Everything(model, _ => null);
        IReadOnlyList<IReadOnlyList<QuantizationUnit>> regions = everything.Regions();
        Assert.Equal([3, 1], regions.Select(r => r.Count));
        Assert.Equal(everything.Units.Select(u => u.Key).Order(), regions.SelectMany(r => r).Select(u => u.Key).Order());
        QuantizationUnit first = everything.Units[0];
        Assert.Equal([2, 1], everything.Only(u => u != first).Regions().Select(r => r.Count));
    }
}
