using System.Runtime.InteropServices;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Libtorch;
using Tersor.Training.Losses;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>Runs sequences through the graph, and gradients back. State goes from step to step; gradients go back through a window of steps.</summary>
internal sealed class ForwardPass(TrainableGraph graph, IObjective objective, TrainingSettings settings, IReadOnlyDictionary<string, string> feedback)
{
    private readonly IReadOnlyList<Value> wanted = [.. objective.Wanted, .. feedback.Keys.Select(name => graph.Program.Model.Graph.Outputs.First(o => o.Name == name))];
    private const string NotFinite = "the loss is not finite";

    private string? culprit;

    /// <summary>Adds the gradients of a group of sequences to the parameters'.</summary>
    /// <param name="group">Each counts by its number of samples. Owned from then on.</param>
    /// <param name="step">Number of the optimizer step: random numbers follow from it.</param>
    /// <param name="part">Which group of that step it is.</param>
    /// <param name="done">Share of training that is done.</param>
    /// <param name="samples">How many samples the step is made of, in all its groups.</param>
    /// <param name="epoch">How often all samples were gone through before.</param>
    /// <returns>The group's share of the step's loss.</returns>
    public double Backward(IEnumerable<TrainingSequence> group, long step, int part, double done, int samples, int epoch)
    {
        int seed = unchecked((int)(settings.Seed * 1_000_003L + step * 9_176L + part));
        manual_seed(seed);
        Random random = new(seed);
        graph.Program.State.Training = true;
        double sum = 0;
        foreach (TrainingSequence sequence in group)
        {
            using (sequence)
                sum += Through(sequence, random, done, (double)sequence.Samples.Count / samples, new(true, epoch, false));
        }
        graph.Program.State.Training = false;
        return sum;
    }

    /// <summary>The loss of a sequence, without gradients and as the model will be used.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="done">Share of training that is done.</param>
    /// <param name="pass">How often all samples were gone through before.</param>
    /// <param name="heldOut">Whether the sequence is held out.</param>
    public double Loss(TrainingSequence sequence, double done, int pass, bool heldOut)
    {
        using IDisposable _ = no_grad();
        return Through(sequence, null, done, 1, new(false, pass, heldOut));
    }

    /// <summary>Adds the gradients of a sequence to the parameters', the model being as it will be used.</summary>
    /// <returns>Its loss.</returns>
    public double Gradient(TrainingSequence sequence) => Through(sequence, null, 0, 1, new(true, 0, false));

    /// <summary>Where the last pass went wrong, in words.</summary>
    public string Culprit(bool lossIsFinite) => lossIsFinite ? "a gradient is not finite" : culprit ?? NotFinite;

    private double Through(TrainingSequence sequence, Random? random, double done, double weight, Going going)
    {
        Dictionary<string, Tensor> state = [];
        double sum = 0;
        int steps = sequence.Steps.Count;
        FinalizerGate.LetThrough();
        objective.Begin();
        for (int start = 0; start < steps; start += settings.SequenceWindow)
        {
            using IDisposable scope = NewDisposeScope();
            Tensor? total = null;
            graph.Refresh();
            for (int t = start; t < Math.Min(start + settings.SequenceWindow, steps); t++)
            {
                Dictionary<string, Tensor> inputs = new(random is null ? sequence.Steps[t] : Augmenter.Apply(settings.Augmentation, sequence.Steps[t], random));
                foreach ((string name, Tensor carried) in state)
                    inputs.TryAdd(name, carried);
                Tensor[] results = [.. graph.Program.Run(inputs, wanted).Select(r => r as Tensor ?? throw new TrainingException("An output that is trained on is no tensor, or was not computed."))];
                int count = objective.Wanted.Count;
                int i = count;
                foreach (string input in feedback.Values)
                    state[input] = results[i++];
                Tensor loss = Judged(new(results[..count], inputs, Labels(sequence, t), sequence.Texts, done)
                {
                    Samples = sequence.Samples,
                    Pass = going.Pass,
                    HeldOut = going.HeldOut,
                });
                total = total is null ? loss : total + loss;
            }
            Tensor part = total! * (weight / steps);
            double value = TorchTensors.Number(part);
            sum += value;
            if (!double.IsFinite(value))
                sequence.RequireNumbers();
            if (!double.IsFinite(value) && going.Backward)
            {
                culprit = FirstNotFinite(sequence, start);
                if (sequence.First(double.IsInfinity) is var (sample, tensor))
                    culprit = $"{culprit ?? NotFinite}, and sample '{sample}' has an infinite number in '{tensor}'";
                return double.NaN;
            }
            if (going.Backward)
                Back(part);
            state = state.ToDictionary(s => s.Key, s => s.Value.detach().MoveToOuterDisposeScope());
        }
        foreach (Tensor carried in state.Values)
            carried.Dispose();
        return sum;
    }

    /// <summary>The loss. What libtorch says about shapes that do not fit is about the data, not about this program.</summary>
    private Tensor Judged(ObjectiveInput input)
    {
        try
        {
            return objective.Loss(input);
        }
        catch (ExternalException e)
        {
            throw new TrainingException($"Outputs and labels do not fit the loss: {e.Message.Split('\n')[0]}");
        }
    }

    private static void Back(Tensor loss)
    {
        if (!loss.requires_grad)
            throw new TrainingException("Nothing that is trained has a part in the loss. Train other weights (--train, --freeze), or judge another output (--loss-output).");
        loss.backward();
    }

    /// <summary>Labels of one step: rows of labels that have one for each step; the others as they are.</summary>
    private static Dictionary<string, Tensor> Labels(TrainingSequence sequence, int step) => sequence.Steps.Count == 1 ? new(sequence.Labels)
        : sequence.Labels.ToDictionary(l => l.Key, l => l.Value.dim() > 0 && l.Value.shape[0] == sequence.Steps.Count ? l.Value.narrow(0, step, 1) : l.Value);

    private string? FirstNotFinite(TrainingSequence sequence, int step)
    {
        string? found = null;
        using IDisposable _ = no_grad();
        using IDisposable scope = NewDisposeScope();
        graph.Refresh();
        graph.Program.Watch = (node, results) =>
        {
            if (found is null && results.OfType<Tensor>().Any(t => t.is_floating_point() && !t.isfinite().all().item<bool>()))
                found = $"the output of {node} is not finite";
        };
        try
        {
            graph.Program.Run(sequence.Steps[step], wanted);
        }
        catch (TrainingException)
        {
            // State that comes from earlier steps is missing; what was seen so far is all there is.
        }
        finally
        {
            graph.Program.Watch = null;
        }
        return found;
    }

    private sealed record Going(bool Backward, int Pass, bool HeldOut);
}
