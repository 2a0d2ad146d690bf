namespace Tersor.Training.Operators;

/// <summary>The activation functions of recurrent networks, by ONNX's names.</summary>
internal static class RecurrentActivations
{
    private static readonly string[] Defaults = ["Sigmoid", "Tanh", "Tanh"];

    /// <summary>The functions a node names, those of the first direction first.</summary>
    /// <param name="call">The node.</param>
    /// <param name="each">How many a direction has.</param>
    /// <param name="directions">How many directions it has.</param>
    public static Func<Tensor, Tensor>[] Of(OperatorCall call, int each, int directions)
    {
        string[] names = Named(call.Node) ?? [.. Enumerable.Range(0, directions).SelectMany(_ => each == 1 ? ["Tanh"] : Defaults[..each])];
        if (names.Length != each * directions)
            throw call.Bad($"names {Plural.Of(names.Length, "activation")}; {each * directions} are expected");
        Queue<float> alphas = new(call.Node.Floats("activation_alpha") ?? []), betas = new(call.Node.Floats("activation_beta") ?? []);
        return [.. names.Select(n => Function(call, n, alphas, betas))];
    }

    /// <summary>Whether every direction of an LSTM has sigmoid and tanh.</summary>
    public static bool AreUsual(Onnx.Node node) => Named(node)?.Chunk(Defaults.Length).All(three => three.SequenceEqual(Defaults, StringComparer.OrdinalIgnoreCase)) ?? true;

    private static string[]? Named(Onnx.Node node) => node.Attributes.GetValueOrDefault("activations") is Onnx.NodeAttribute.Strings given ? [.. given.Values.Select(v => System.Text.Encoding.UTF8.GetString(v.Span))] : null;

    // Parameters are taken in the order of the functions that have them.
    private static Func<Tensor, Tensor> Function(OperatorCall call, string name, Queue<float> alphas, Queue<float> betas)
    {
        switch (name.ToUpperInvariant())
        {
            case "SIGMOID": return x => x.sigmoid();
            case "TANH": return x => x.tanh();
            case "RELU": return x => x.relu();
            case "SOFTSIGN": return x => x / (1 + x.abs());
            case "SOFTPLUS": return x => x.softplus();
            case "AFFINE":
                float scale = Next(alphas, 1), shift = Next(betas, 0);
                return x => x * scale + shift;
            case "LEAKYRELU":
                float slope = Next(alphas, 0.01f);
                return x => x.leaky_relu(slope);
            case "THRESHOLDEDRELU":
                float threshold = Next(alphas, 1);
                return x => x.threshold(threshold, 0);
            case "SCALEDTANH":
                float outer = Next(alphas, 1), inner = Next(betas, 1);
                return x => (x * inner).tanh() * outer;
            case "HARDSIGMOID":
                float rise = Next(alphas, 0.2f), middle = Next(betas, 0.5f);
                return x => (x * rise + middle).clamp(0, 1);
            case "ELU":
                float alpha = Next(alphas, 1);
                return x => x.elu(alpha);
            default:
                throw call.Unsupported($"the activation {name}");
        }
    }

    private static float Next(Queue<float> values, float fallback) => values.TryDequeue(out float value) ? value : fallback;
}
