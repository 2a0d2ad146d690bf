using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Roles;
using static TorchSharp.torch;

namespace Tersor.Training.Losses;

/// <summary>The distance to labels.</summary>
internal sealed class LabelObjective : IObjective
{
    /// <summary>Samples whose labels tell what they are.</summary>
    private const int Looked = 256;

    private readonly TrainingLoss loss;
    private readonly OutputEnding output;
    private readonly IReadOnlyDictionary<string, int> symbols;
    private readonly IDataSet data;
    private readonly string? hidden;
    private TrainingLoss? chosen;

    /// <param name="model">The running graph.</param>
    /// <param name="loss">What is asked for.</param>
    /// <param name="symbols">Index of every symbol of text labels; empty where there are none.</param>
    /// <param name="data">The samples: what kind of labels they have does not follow from the first batch.</param>
    /// <exception cref="TrainingException">The model has no such output, or none of floating-point numbers.</exception>
    public LabelObjective(Model model, TrainingLoss loss, IReadOnlyDictionary<string, int> symbols, IDataSet data)
    {
        (this.loss, this.symbols, this.data) = (loss, symbols, data);
        Value value = loss.Output is { } name ? model.Graph.Outputs.FirstOrDefault(o => o.Name == name)
            ?? throw new TrainingException($"The loss judges output '{name}', but the model has {string.Join(", ", model.Graph.Outputs.Select(o => o.Name))}.") : model.Graph.Outputs.FirstOrDefault(IsReal) ?? model.Graph.Outputs[0];
        if (!IsReal(value))
            throw new TrainingException($"Output '{value.Name}' holds {value.Type}, and a loss has a gradient through floating-point numbers only. Name another output (--loss-output).");
        output = OutputPair.Ending(value);
        hidden = output.Closing is null ? output.Shares : null;
        Wanted = [output.Output, output.Logits];
    }

    public IReadOnlyList<Value> Wanted { get; }

    public string? Words { get; private set; }

    /// <summary>The output that is judged.</summary>
    public Value Output => output.Output;

    /// <summary>The loss that labels are judged by, as the first samples of the data tell that have some, whichever batch comes first; null where none of those has.</summary>
    public TrainingLoss? Kind(ObjectiveInput input)
    {
        if (Enumerable.Range(0, Math.Min(Looked, data.Count)).Select(data.Read).FirstOrDefault(s => s.Labels.Count > 0) is not { } sample)
            return null;
        string label = LabelOf(sample.Labels.Keys);
        if (!sample.Labels.TryGetValue(label, out OnnxTensor? target))
            return null;
        if (target.Type == ElementType.String)
            return OfText(label);
        int steps = sample.Steps.Count;
        long numbers = steps > 1 && target.Rank > 0 && target.Shape[0] == steps ? target.Length / steps : target.Length * input.Samples.Count;
        return Found(label, target.Type.IsFloat(), numbers, input.Values[0].numel());
    }

    public Tensor Loss(ObjectiveInput input)
    {
        string label = LabelOf(input.Labels.Keys.Concat(input.Texts.Keys));
        TrainingLoss? judged = For(input);
        Words ??= judged is null ? null : Said(judged, label);
        if (input.Texts.TryGetValue(label, out string[]? texts))
            return OfTexts(input, (TrainingLoss.Ctc)judged!, texts);
        if (judged is null)
        {
            throw new TrainingException(input.Labels.Count + input.Texts.Count == 0 ? "The training data have no labels, and training needs some. Name a teacher to learn from data without."
                : $"The training data have no label '{label}' that all samples of a batch share; they have {string.Join(", ", input.Labels.Keys.Concat(input.Texts.Keys))}.");
        }
        return HardLoss.Of(judged, Judged(judged, input), output.Axis, input.Labels[label], null);
    }

    /// <summary>What a loss works on: logits for losses of classes, whether the model gives them or shares of 1.</summary>
    private Tensor Judged(TrainingLoss judged, ObjectiveInput input) => judged switch
    {
        TrainingLoss.CrossEntropy => hidden is not null ? ShareLogits.OfClasses(input.Values[0]) : input.Values[1],
        TrainingLoss.BinaryCrossEntropy when output.Closing == "Sigmoid" => input.Values[1],
        TrainingLoss.BinaryCrossEntropy when GivesShares => ShareLogits.OfAnswers(input.Values[0]),
        _ => input.Values[0],
    };

    /// <summary>Whether the output holds shares of 1 by how it is computed. What only looks like it in one batch does not.</summary>
    private bool GivesShares => output.Closing is "Sigmoid" or "Softmax" || hidden is not null;

    private string Said(TrainingLoss judged, string label)
    {
        string name = judged switch
        {
            TrainingLoss.CrossEntropy { LabelSmoothing: > 0 } smoothed => string.Create(CultureInfo.InvariantCulture, $"cross-entropy with label smoothing {smoothed.LabelSmoothing}"),
            TrainingLoss.CrossEntropy => "cross-entropy",
            TrainingLoss.BinaryCrossEntropy => "binary cross-entropy",
            TrainingLoss.MeanSquaredError => "mean squared error",
            TrainingLoss.MeanAbsoluteError => "mean absolute error",
            _ => "connectionist temporal classification",
        };
        string what = judged is not (TrainingLoss.CrossEntropy or TrainingLoss.BinaryCrossEntropy) ? "" : (output.Closing ?? hidden) is { } closing ? $", whose {closing} is looked through" : ", taken as logits";
        return $"{name} of output '{output.Output.Name}'{what}, with label '{label}'";
    }

    /// <summary>The loss that the labels of this batch are judged by; null where the label is missing.</summary>
    private TrainingLoss? For(ObjectiveInput input)
    {
        string label = LabelOf(input.Labels.Keys.Concat(input.Texts.Keys));
        return input.Texts.ContainsKey(label) ? OfText(label)
            : input.Labels.TryGetValue(label, out Tensor? target) ? chosen ??= Found(label, target.is_floating_point(), target.numel(), input.Values[0].numel()) : null;
    }

    private string LabelOf(IEnumerable<string> names) => loss.Label ?? (names.Take(2).ToArray() is [var only] ? only : "label");

    private TrainingLoss.Ctc OfText(string label) => loss is TrainingLoss.Auto ? new TrainingLoss.Ctc() : loss as TrainingLoss.Ctc
        ?? throw new TrainingException($"Label '{label}' is text, which only connectionist temporal classification (--loss ctc) judges. Leave --loss and --label-smoothing out, or name a label of numbers.");

    // One number for each label, all of them 0 and 1, is an answer of yes or no, whatever type labels are stored in. Behind a Softmax they are shares of the classes.
    private TrainingLoss Found(string label, bool floating, long numbers, long given) => loss is not TrainingLoss.Auto ? loss
        : (output.Closing ?? hidden) == "Sigmoid" ? new TrainingLoss.BinaryCrossEntropy()
        : (output.Closing ?? hidden) is not null ? new TrainingLoss.CrossEntropy()
        : given != numbers ? floating ? new TrainingLoss.MeanSquaredError() : new TrainingLoss.CrossEntropy()
        : AreAnswers(label) ? new TrainingLoss.BinaryCrossEntropy() : new TrainingLoss.MeanSquaredError();

    /// <summary>Whether labels are 0 and 1, and floats both of them. The same for a run that goes on in the middle, whose first batch is another.</summary>
    private bool AreAnswers(string label)
    {
        OnnxTensor[] labels = [.. Enumerable.Range(0, Math.Min(Looked, data.Count)).Select(i => data.Read(i).Labels.GetValueOrDefault(label)).OfType<OnnxTensor>()];
        return labels.All(l => l.Type.IsFloat() ? l.ToFloats().All(v => v is 0 or 1) : l.ToInt64s().All(v => v is 0 or 1))
            && (labels.All(l => !l.Type.IsFloat()) || labels.SelectMany(l => l.ToFloats()).Distinct().Count() == 2);
    }

    private static bool IsReal(Value value) => value.Type?.AsTensor is not { ElementType: not ElementType.Undefined } type || type.ElementType.IsFloat();

    private Tensor OfTexts(ObjectiveInput input, TrainingLoss.Ctc ctc, string[] texts)
    {
        if (symbols.Count == 0)
            throw new TrainingException("Labels are text, but nothing says which symbol has which index. Name the list of symbols with the metric of the data (keys).");
        long[][] indices = [.. texts.Select(t => Symbols(t).ToArray())];
        long classes = input.Values[1].shape[^1], greatest = indices.SelectMany(i => i).DefaultIfEmpty().Max();
        // The kernel reads at what it is given.
        if (greatest >= classes || ctc.Blank < 0 || ctc.Blank >= classes)
            throw new TrainingException($"Symbols have classes up to {greatest}, the blank is {ctc.Blank}, and output '{output.Output.Name}' has {Plural.Of(classes, "class", "classes")}. Check the list of symbols (keys), or name the output (--loss-output).");
        return HardLoss.Of(ctc, input.Values[1], null, tensor(indices.SelectMany(i => i).ToArray()), tensor(indices.Select(i => (long)i.Length).ToArray()));
    }

    // What the model has no symbol for it cannot learn.
    private IEnumerable<long> Symbols(string text)
    {
        System.Globalization.TextElementEnumerator elements = System.Globalization.StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
        {
            if (symbols.TryGetValue(elements.GetTextElement(), out int index))
                yield return index;
        }
    }
}
