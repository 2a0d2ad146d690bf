using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>Boxes read off a probability map [1, 1, H, W] against true boxes. A found box, best score first, is right when an unmatched true box overlaps it by the
/// stated intersection over union. Precision, recall and F1 count boxes over the whole set.</summary>
internal sealed class DetectionMetric(DetectionSettings settings, string measure, string? output, string label) : IMetric
{
    private long matched, found, expected;
    private bool any;

    public string Name => $"detection-{measure}";

    public bool HigherIsBetter => true;

    public bool NeedsReference => false;

    public double Value => !any ? double.NaN : measure switch
    {
        "precision" => Ratio(matched, found),
        "recall" => Ratio(matched, expected),
        _ => Ratio(2 * matched, found + expected),
    };

    public void Add(Observation observation)
    {
        Tensor truth = Observations.Label(observation, label), map = Observations.Select(observation.Outputs[^1], output);
        if (truth.Rank != 2 || truth.Shape[1] != 4)
            throw new DataException($"Label '{label}' of sample '{observation.Sample.Name}' is {truth}; expected boxes [n,4].");
        if (map.Rank < 2 || map.Length != map.Shape[^1] * map.Shape[^2])
            throw new DataException($"The output {map} is no probability map; expected [1,1,height,width].");
        any = true;
        List<Box> boxes = ProbabilityBoxes.Find(map.ToFloats(), (int)map.Shape[^1], (int)map.Shape[^2], settings);
        List<Box> unmatched = [.. truth.ToFloats().Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3], 1))];
        (found, expected) = (found + boxes.Count, expected + unmatched.Count);
        foreach (Box box in boxes.OrderByDescending(b => b.Score))
        {
            int best = -1;
            for (int i = 0; i < unmatched.Count; i++)
            {
                if (best < 0 || unmatched[i].IntersectionOverUnion(box) > unmatched[best].IntersectionOverUnion(box))
                    best = i;
            }
            if (best >= 0 && unmatched[best].IntersectionOverUnion(box) >= settings.Iou)
            {
                matched++;
                unmatched.RemoveAt(best);
            }
        }
    }

    // Nothing found where nothing is to be found is right.
    private static double Ratio(long part, long whole) => whole == 0 ? 1 : (double)part / whole;
}
