namespace Tersor.Onnx.Inference;

/// <summary>An Einsum equation without ellipsis: the labels of every input's axes, and the output's.</summary>
internal sealed record EinsumEquation(string[] Inputs, string Output)
{
    /// <summary>The equation, with the output it implies where it states none; null when it has an ellipsis or makes no sense.</summary>
    public static EinsumEquation? Parse(string text)
    {
        string[] sides = text.Replace(" ", "", StringComparison.Ordinal).Split("->");
        string[] inputs = sides[0].Split(',');
        if (sides.Length > 2 || text.Contains('.', StringComparison.Ordinal) || !inputs.All(i => i.All(char.IsAsciiLetter)))
            return null;
        string labels = string.Concat(inputs);
        string output = sides.Length == 2 ? sides[1] : string.Concat(labels.Where(c => labels.Count(other => other == c) == 1).Order());
        return output.All(c => labels.Contains(c, StringComparison.Ordinal)) ? new(inputs, output) : null;
    }
}
