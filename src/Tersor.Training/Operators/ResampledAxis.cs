namespace Tersor.Training.Operators;

/// <summary>How Resize reads one axis: where every output element lies in the input, and which input elements it is made of.</summary>
/// <param name="Length">Of the input.</param>
/// <param name="Size">Of the output.</param>
/// <param name="Scale">Output over input.</param>
/// <param name="Start">Begin of the region of interest, 0..1.</param>
/// <param name="End">End of the region of interest, 0..1.</param>
/// <remarks>Source: ONNX Resize-19 and its reference implementation, which takes length · scale, not rounded, for the length of the output.</remarks>
internal sealed record ResampledAxis(long Length, long Size, double Scale, double Start, double End)
{
    /// <summary>Whether the output is the input.</summary>
    public bool IsSame => Length == Size && Scale == 1;

    /// <summary>Where an output element lies in the input.</summary>
    public double Coordinate(long i, ResizeRules rules)
    {
        double width = Scale * Length, center = (i + 0.5) / Scale - 0.5;
        return rules.Coordinates switch
        {
            "half_pixel" => center,
            "half_pixel_symmetric" => Length / 2.0 * (1 - Size / width) + center,
            "pytorch_half_pixel" => Size > 1 ? center : 0,
            "align_corners" => width == 1 || Size == 1 ? 0 : i * (Length - 1) / (width - 1),
            "asymmetric" => i / Scale,
            "tf_crop_and_resize" => Size > 1 ? Start * (Length - 1) + i * (End - Start) * (Length - 1) / (Size - 1) : 0.5 * (Start + End) * (Length - 1),
            _ => double.NaN,
        };
    }

    /// <summary>The input element that is nearest to every output element.</summary>
    public long[] Nearest(ResizeRules rules)
    {
        long[] places = new long[Size];
        for (int i = 0; i < places.Length; i++)
        {
            double x = Coordinate(i, rules);
            places[i] = Math.Clamp((long)(rules.Rounding switch
            {
                "floor" => Math.Floor(x),
                "ceil" => Math.Ceiling(x),
                "round_prefer_ceil" => Math.Floor(x + 0.5),
                "simple" => Scale < 1 ? Math.Ceiling(x) : Math.Floor(x), // before operator set 11
                _ => Math.Ceiling(x - 0.5),
            }), 0, Length - 1);
        }
        return places;
    }

    /// <summary>What every output element takes of every input element, [size, length].</summary>
    public double[] Weights(ResizeRules rules)
    {
        double[] weights = new double[Size * Length];
        double squeeze = rules.Antialias ? Math.Min(Scale, 1) : 1; // a filter that is as wide as what is merged
        int reach = rules.Mode == "cubic" ? 2 : 1, first = (int)Math.Floor(-reach / squeeze) + 1, count = 2 - 2 * first;
        for (long i = 0; i < Size; i++)
        {
            double x = Coordinate(i, rules), whole = Math.Floor(x), rest = x - whole, sum = 0, inside = 0;
            double[] taps = new double[count];
            for (int k = 0; k < count; k++)
            {
                double distance = Math.Abs(first + k - rest) * squeeze;
                taps[k] = reach == 1 ? Math.Max(1 - distance, 0) : Cubic(distance, rules.Cubic);
                sum += taps[k];
                inside += whole + first + k >= 0 && whole + first + k < Length ? taps[k] : 0;
            }
            double share = rules.ExcludeOutside ? inside : rules.Antialias ? sum : 1;
            for (int k = 0; k < count; k++)
            {
                long place = (long)whole + first + k;
                if (!rules.ExcludeOutside || place >= 0 && place < Length)
                    weights[i * Length + Math.Clamp(place, 0, Length - 1)] += taps[k] / share;
            }
        }
        return weights;
    }

    /// <summary>Keys' cubic kernel; A is its slope at distance 1.</summary>
    private static double Cubic(double x, double a) => x switch
    {
        <= 1 => ((a + 2) * x - (a + 3)) * x * x + 1,
        < 2 => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a,
        _ => 0,
    };
}

/// <summary>The rules a Resize node's attributes give.</summary>
internal sealed record ResizeRules(string Mode, string Coordinates, string Rounding, double Cubic = -0.75, bool ExcludeOutside = false, bool Antialias = false);
