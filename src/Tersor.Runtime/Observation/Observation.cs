using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>One call of <see cref="Observer"/>: splits the wanted values into groups that fit the budget, and runs the data once for each.</summary>
internal sealed class Observation(Model model, IEnumerable<Sample> samples, IReadOnlyDictionary<string, string> feedback, IReadOnlyCollection<ValueObserver> observers,
    ObserverSettings settings, IProgress<ObservationProgress>? progress, CancellationToken cancellation)
{
    private readonly Queue<(List<Value> Values, int FirstSample)> work = new();
    private readonly Dictionary<Value, string> notObservable = new(ReferenceEqualityComparer.Instance);
    private readonly ObservationDispatch dispatch = new(observers);
    private int sampleCount;
    private int runs;
    private long peak;

    public ObservationReport Run()
    {
        if (dispatch.Values.Count == 0)
            return new(0, 0, 0, notObservable, []);
        foreach (List<Value> group in Groups())
            work.Enqueue((group, 0));
        while (work.TryDequeue(out (List<Value> Values, int FirstSample) part))
        {
            runs++;
            RunGroup(part.Values, part.FirstSample);
        }
        Value[] neverTaken = [.. dispatch.Values.Where(v => !dispatch.Seen.Contains(v) && !notObservable.ContainsKey(v))];
        return new(sampleCount, runs, peak, notObservable, neverTaken);
    }

    /// <summary>All values in one group when they fit the budget, as the first step of the first sample shows; several groups otherwise.</summary>
    private List<List<Value>> Groups()
    {
        List<Value> all = [.. dispatch.Values];
        if (samples.FirstOrDefault() is not { Steps.Count: > 0 } sample || DeclaredBytes(all) <= settings.ActivationBudget)
            return [all];
        IReadOnlyDictionary<Value, long> sizes = ObservedSizes.Of(model, all, sample, settings.Session);
        List<List<Value>> groups = [[]];
        long sum = 0;
        foreach (Value value in all)
        {
            long bytes = sizes.GetValueOrDefault(value);
            if (groups[^1].Count > 0 && sum + bytes > settings.ActivationBudget)
            {
                groups.Add([]);
                sum = 0;
            }
            groups[^1].Add(value);
            sum += bytes;
        }
        return groups;
    }

    /// <summary>What the values take by their declared types; more than any budget when one is not declared fully or may be computed many times.</summary>
    private static long DeclaredBytes(IEnumerable<Value> values)
    {
        long sum = 0;
        foreach (Value value in values)
        {
            if (!value.Graph.IsMain || value.Type?.AsTensor is not { FixedShape: { } shape } type)
                return long.MaxValue;
            if (!Tensor.TryElementCount(shape, out long count) || count > 1L << 40)
                return long.MaxValue;
            sum += type.ElementType.ByteLength(count);
        }
        return sum;
    }

    private void RunGroup(List<Value> values, int firstSample)
    {
        Instrumentation instrumented = new(model, values, sizesOnly: false);
        foreach ((Value value, string reason) in instrumented.Problems)
            notObservable[value] = reason;
        StepFeeder feeder = new(model.Graph.Outputs.Select(o => o.Name), feedback);
        if (instrumented.Exports.Count == 0)
            return;
        using ModelSession session = new(instrumented.Clone, settings.Session);
        string[] outputs = [.. instrumented.Exports.Where(e => e.Form != ExportForm.Known).Select(e => e.Output.Name).Concat(feeder.StateOutputs).Distinct()];
        ILookup<string, Export> byName = instrumented.Exports.ToLookup(e => e.Output.Name);
        HashSet<string> state = [.. feeder.StateOutputs];
        int index = -1;
        foreach (Sample sample in samples)
        {
            if (++index < firstSample)
                continue;
            long largest = 0;
            IReadOnlyDictionary<string, Tensor>? previous = null;
            for (int step = 0; step < sample.Steps.Count; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                IReadOnlyDictionary<string, Tensor> inputs = feeder.Feed(sample, step, previous);
                Dictionary<string, Tensor> next = [];
                long bytes = 0;
                try
                {
                    foreach (Export export in instrumented.Exports.Where(e => e.Form == ExportForm.Known))
                        dispatch.Known(export, inputs, index, step);
                    if (outputs.Length > 0)
                    {
                        session.RunEngine(name => inputs.TryGetValue(name, out Tensor? tensor) ? OrtTensors.ToOrt(tensor) : null, outputs, (name, value) =>
                        {
                            foreach (Export export in byName[name])
                                bytes += dispatch.Computed(export, value, index, step);
                            if (state.Contains(name))
                                next[name] = OrtTensors.FromOrt(value, name);
                        });
                    }
                }
                catch (RuntimeException e)
                {
                    throw new RuntimeException($"Sample '{sample.Name}'{(sample.Steps.Count > 1 ? $", step {step}" : "")}: {e.Message}", e);
                }
                previous = next;
                largest = Math.Max(largest, bytes);
            }
            peak = Math.Max(peak, largest);
            sampleCount = Math.Max(sampleCount, index + 1);
            progress?.Report(new(index + 1, runs, runs + work.Count));
            if (largest > settings.ActivationBudget && values.Count > 1)
            {
                // Larger than the first sample promised: go on with halves.
                work.Enqueue((values[..(values.Count / 2)], index + 1));
                work.Enqueue((values[(values.Count / 2)..], index + 1));
                return;
            }
        }
    }
}
