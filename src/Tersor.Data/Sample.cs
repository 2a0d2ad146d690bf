using Tersor.Onnx;

namespace Tersor.Data;

/// <summary>One sample of a data set: what the model is fed, and what is known about the right answer.</summary>
/// <param name="Name">Where it came from: a file name, an index. Shown in messages.</param>
/// <param name="Steps">Input tensors by the model's input names, with a batch dimension of 1. One step for most models; several, in time order, for a recurrent
/// one: inputs missing from a later step are fed from the outputs of the step before (<see cref="IDataSet.Feedback"/>).</param>
/// <param name="Labels">Named labels, such as <c>label</c> (Int64 class index, text as a string tensor, or one value a step). Empty where nothing is known.</param>
public sealed record Sample(string Name, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Steps, IReadOnlyDictionary<string, Tensor> Labels);
