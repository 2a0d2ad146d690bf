using Tersor.Onnx;

namespace Tersor.Training.Losses;

/// <summary>A loss the caller computes from the model's outputs.</summary>
internal sealed class CallerObjective(Model model, Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor> loss) : IObjective
{
    public IReadOnlyList<Value> Wanted { get; } = [.. model.Graph.Outputs];

    public string Words => "of the caller's own";

    public Tensor Loss(ObjectiveInput input) => loss(Wanted.Zip(input.Values).ToDictionary(v => v.First.Name, v => v.Second), input.Labels);
}
