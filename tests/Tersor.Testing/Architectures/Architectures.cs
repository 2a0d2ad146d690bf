namespace Tersor.Testing;

/// <summary>Published networks by name, as exports from PyTorch have them.</summary>
public static class Architectures
{
    /// <summary>All of them, in the order of tables.</summary>
    public static OrderedDictionary<string, Architecture> All { get; } = new(
        new[]
        {
            Architecture.OfConvolutions("resnet18", (net, x, _) => ResNet.Eighteen(net, x)),
            Architecture.OfConvolutions("resnet50", (net, x, _) => ResNet.Fifty(net, x)),
            Architecture.OfConvolutions("densenet121", (net, x, _) => DenseNet.Build(net, x)),
            Architecture.OfConvolutions("squeezenet1_1", (net, x, _) => SqueezeNet.Build(net, x)),
            Architecture.OfConvolutions("shufflenet_v2", ShuffleNet.Build),
            Architecture.OfConvolutions("mobilenet_v2", (net, x, _) => MobileNet.Two(net, x)),
            Architecture.OfConvolutions("mobilenet_v3_large", (net, x, _) => MobileNet.ThreeLarge(net, x), epsilon: 1e-3),
            Architecture.OfConvolutions("efficientnet_b0", (net, x, _) => EfficientNet.Build(net, x)),
            Architecture.OfImages("yolov8n", Yolo.ImageSize, Yolo.Build, [Yolo.Rows, Yolo.Cells], epsilon: 1e-3),
            Architecture.OfPatches("vit_b_16"),
            Architecture.OfTokens("bert_base", Bert.Length, Bert.Vocabulary, 1e-12, (net, tokens) =>
            {
                (Onnx.Value hidden, Onnx.Value pooled) = Bert.Build(net, tokens);
                return [("last_hidden_state", hidden, [1, Bert.Length, 768]), ("pooler_output", pooled, [1, 768])];
            }),
            Architecture.OfTokens("gpt", Gpt.Length, Gpt.Vocabulary, 1e-5, (net, tokens) => [("logits", Gpt.Build(net, tokens), [1, Gpt.Length, Gpt.Vocabulary])]),
            Architecture.OfSteps("lstm"),
        }.Select(a => new KeyValuePair<string, Architecture>(a.Name, a)));
}
