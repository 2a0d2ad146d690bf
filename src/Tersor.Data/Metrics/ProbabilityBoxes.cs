namespace Tersor.Data.Metrics;

/// <summary>A box in pixels: left and upper edge, right and lower edge.</summary>
internal readonly record struct Box(double X0, double Y0, double X1, double Y1, double Score)
{
    public double Area => Math.Max(X1 - X0, 0) * Math.Max(Y1 - Y0, 0);

    public double IntersectionOverUnion(Box other)
    {
        double shared = new Box(Math.Max(X0, other.X0), Math.Max(Y0, other.Y0), Math.Min(X1, other.X1), Math.Min(Y1, other.Y1), 0).Area;
        return shared <= 0 ? 0 : shared / (Area + other.Area - shared);
    }
}

/// <summary>How boxes are read off a probability map.</summary>
internal sealed record DetectionSettings(double Threshold, double BoxThreshold, double Expand, int MinSize, double Iou)
{
    public DetectionSettings(MetricArguments a)
        : this(a.Number("threshold", 0, 1), a.Number("box_threshold", 0, 1), a.Number("expand", 0, 100), a.Integer("min_size", 0, 65535), a.Number("iou", 0, 1))
    {
    }
}

/// <summary>Upright boxes around the connected regions of a probability map.</summary>
/// <remarks>After M. Liao et al. 2020, "Real-time scene text detection with differentiable binarization", section 3.5: the map shows shrunken text, so a region grows by
/// area · expand / perimeter on every side.</remarks>
internal static class ProbabilityBoxes
{
    public static List<Box> Find(ReadOnlySpan<float> map, int width, int height, DetectionSettings settings)
    {
        List<Box> boxes = [];
        bool[] seen = new bool[map.Length];
        Stack<int> open = new();
        for (int start = 0; start < map.Length; start++)
        {
            if (seen[start] || !(map[start] > settings.Threshold))
                continue;
            seen[start] = true;
            open.Push(start);
            int left = width, top = height, right = -1, bottom = -1, count = 0;
            double sum = 0;
            while (open.TryPop(out int pixel))
            {
                int x = pixel % width, y = pixel / width;
                (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x), Math.Max(bottom, y));
                sum += map[pixel];
                count++;
                for (int ny = Math.Max(y - 1, 0); ny <= Math.Min(y + 1, height - 1); ny++)
                {
                    for (int nx = Math.Max(x - 1, 0); nx <= Math.Min(x + 1, width - 1); nx++)
                    {
                        int next = ny * width + nx;
                        if (!seen[next] && map[next] > settings.Threshold)
                        {
                            seen[next] = true;
                            open.Push(next);
                        }
                    }
                }
            }
            double w = right + 1 - left, h = bottom + 1 - top, score = sum / count;
            if (Math.Min(w, h) < settings.MinSize || score < settings.BoxThreshold)
                continue;
            double grow = w * h * settings.Expand / (2 * (w + h));
            boxes.Add(new(Math.Max(left - grow, 0), Math.Max(top - grow, 0), Math.Min(right + 1 + grow, width), Math.Min(bottom + 1 + grow, height), score));
        }
        return boxes;
    }
}
