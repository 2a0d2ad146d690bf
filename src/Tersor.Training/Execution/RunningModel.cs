using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Opsets;

namespace Tersor.Training.Execution;

/// <summary>Models as they run: in a newer operator set, where that is safe, and operators that were spelled out are one node again.</summary>
internal static class RunningModel
{
    /// <summary>A copy to run.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="needed">Names of values that are looked at. Where recognition would lose one, nothing is recognized.</param>
    public static Model Of(Model model, IReadOnlyCollection<string> needed)
    {
        Model plain = model.Clone();
        FunctionInliner.InlineAll(plain);
        Model recognized = plain.Clone();
        Recognize(recognized);
        return needed.All(name => Find(recognized, name) is not null) ? recognized : plain;
    }

    /// <summary>Recognizes operators in a model, in place.</summary>
    public static void Recognize(Model model)
    {
        if (IsSafeToRaise(model))
            OpsetRaiser.TryRaise(model); // operators that came later run as one, too
        InferredTypes types = ShapeInference.Infer(model);
        Dictionary<Value, OnnxType> known = new(ReferenceEqualityComparer.Instance);
        foreach (Value value in model.AllGraphs().SelectMany(g => g.Inputs.Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>())))
        {
            if (types.TypeOf(value) is { } type)
                known[value] = type;
        }
        new RecognizePatternsPass(new()).Run(model, new() { ValueTypes = known });
    }

    /// <summary>Whether everything that training looks for is still there in a newer operator set: statistics of normalizations that change while training, or that have one for every element, and the logits in front of an old Softmax.</summary>
    private static bool IsSafeToRaise(Model model)
    {
        InferredTypes types = ShapeInference.Infer(model);
        return model.AllNodes().All(n => !(n.Is("BatchNormalization") && n.OpsetVersion < 14 && (n.Outputs.OfType<Value>().Skip(1).Any() || n.Int("spatial", 1) == 0))
            && !(n.Is("Softmax", "LogSoftmax") && n.OpsetVersion < 13 && types.TypeOf(n.Inputs[0]!)?.AsTensor?.Shape is null));
    }

    /// <summary>What the main graph is fed or computes under a name; null: nothing.</summary>
    public static Value? Find(Model model, string name) =>
        model.Graph.Inputs.Concat(model.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()).FirstOrDefault(v => v.Name == name);
}
