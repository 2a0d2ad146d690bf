namespace Tersor.Training.Weights;

/// <summary>Numbers that are trained beside a model and are no part of it, such as the map from a student's features to its teacher's.</summary>
/// <param name="Name">Unlike any other helper's.</param>
/// <param name="Start">What they start from.</param>
internal sealed record HelperParameter(string Name, OnnxTensor Start);
