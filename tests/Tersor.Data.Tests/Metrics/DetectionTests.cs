using Tersor.Data.Metrics;
using Tersor.Onnx;
using static Tersor.Data.Tests.Metrics.MetricTesting;

namespace Tersor.Data.Tests.Metrics;

public sealed class DetectionTests
{
    private const int Size = 64;

    [Fact]
    public void A_region_becomes_a_box_that_grows_by_area_over_perimeter()
    {
        Box box = Assert.Single(ProbabilityBoxes.Find(Map((10, 20, 30, 30)), Size, Size, new(0.3, 0.6, 1.5, 3, 0.5)));
        double grow = 20 * 10 * 1.5 / (2 * (20 + 10)); // 5
        Assert.Equal((10 - grow, 20 - grow, 30 + grow, 30 + grow), (box.X0, box.Y0, box.X1, box.Y1));
        Assert.Equal(0.9, box.Score, 6);
    }

    [Fact]
    public void Regions_that_touch_at_a_corner_are_one_and_separate_ones_two()
    {
        DetectionSettings settings = new(0.3, 0.6, 0, 1, 0.5);
        Assert.Single(ProbabilityBoxes.Find(Map((0, 0, 4, 4), (4, 4, 8, 8)), Size, Size, settings));
        Assert.Equal(2, ProbabilityBoxes.Find(Map((0, 0, 4, 4), (5, 4, 8, 8)), Size, Size, settings).Count);
    }

    [Fact]
    public void Thin_and_faint_regions_are_dropped()
    {
        Assert.Empty(ProbabilityBoxes.Find(Map((0, 0, 2, 30)), Size, Size, new(0.3, 0.6, 1.5, 3, 0.5)));
        Assert.Empty(ProbabilityBoxes.Find(Map((0, 0, 20, 30)), Size, Size, new(0.3, 0.95, 1.5, 3, 0.5)));
    }

    [Fact]
    public void Intersection_over_union_equals_counting_pixels()
    {
        Random random = new(20260105);
        for (int i = 0; i < 100; i++)
        {
            Box a = Draw(), b = Draw();
            (int both, int either) = (0, 0);
            for (int p = 0; p < 20 * 20; p++)
            {
                bool inA = In(a, p % 20, p / 20), inB = In(b, p % 20, p / 20);
                both += inA && inB ? 1 : 0;
                either += inA || inB ? 1 : 0;
            }
            Assert.Equal((double)both / either, a.IntersectionOverUnion(b), 12);
        }

        Box Draw()
        {
            int x = random.Next(10), y = random.Next(10);
            return new(x, y, x + random.Next(1, 10), y + random.Next(1, 10), 1);
        }

        static bool In(Box box, int x, int y) => x >= box.X0 && x < box.X1 && y >= box.Y0 && y < box.Y1;
    }

    [Theory]
    [InlineData("precision", 2 / 3.0)]
    [InlineData("recall", 2 / 4.0)]
    [InlineData("f1", 4 / 7.0)]
    public void Found_and_true_boxes_are_matched_once(string measure, double expected)
    {
        // Three regions; two lie on true boxes. A true box that is there twice is matched once.
        Tensor map = Tensor.Create([1, 1, Size, Size], Map((4, 4, 20, 12), (30, 4, 50, 12), (4, 40, 20, 50)));
        Tensor truth = Tensor.Create([4, 4], [4f, 4, 20, 12, 4, 4, 20, 12, 31, 5, 50, 13, 40, 40, 60, 60]);
        IMetric metric = Metric("detection", ("measure", measure), ("expand", "0"));
        Assert.Equal(expected, Measure(metric, Seen(map, truth, labelName: "boxes")), 12);
    }

    private static float[] Map(params (int X0, int Y0, int X1, int Y1)[] regions)
    {
        float[] map = new float[Size * Size];
        foreach ((int x0, int y0, int x1, int y1) in regions)
        {
            for (int y = y0; y < y1; y++)
                map.AsSpan(y * Size + x0, x1 - x0).Fill(0.9f);
        }
        return map;
    }
}
