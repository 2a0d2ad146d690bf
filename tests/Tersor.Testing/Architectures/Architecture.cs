using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Testing;

/// <summary>Parts of an architecture's data, drawn apart from each other.</summary>
public enum DataPart
{
    /// <summary>What batch normalizations get their statistics from: the training set's part.</summary>
    Training,

    /// <summary>What ranges of activations are learned from.</summary>
    Calibration,

    /// <summary>What candidates are compared on.</summary>
    Validation,

    /// <summary>What the result is measured on.</summary>
    Test,
}

/// <summary>How <see cref="Architecture"/> builds. Immutable; change it with <c>with</c>.</summary>
public sealed record ArchitectureOptions
{
    /// <summary>Draws the weights. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Give every batch normalization the statistics of what it reads on images. Without, they have mean 0 and variance 1: enough to count, not to run. Default: yes.</summary>
    public bool Calibrate { get; init; } = true;

    /// <summary>Fold batch normalizations into the convolutions before them, as exports do. Default: yes.</summary>
    public bool Fold { get; init; } = true;
}

/// <summary>A published network, to be built with seeded weights, and data for it.</summary>
public sealed class Architecture
{
    private readonly Func<ArchitectureOptions, Model> build;
    private readonly Func<int, ulong, IDataSet> data;

    private Architecture(string name, Func<ArchitectureOptions, Model> build, Func<int, ulong, IDataSet> data) => (Name, this.build, this.data) = (name, build, data);

    /// <summary>Its name in tables.</summary>
    public string Name { get; }

    /// <summary>The network with batch 1 and fixed sizes. The same options give the same model.</summary>
    public Model Build(ArchitectureOptions? options = null) => build(options ?? new());

    /// <summary>Samples for it. The same part holds the same samples, as many as asked for.</summary>
    public IDataSet Data(DataPart part, int count) => data(count, 1 + (ulong)part);

    /// <summary>A classifier of 224x224 images made of convolutions.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="body">Writes it: network, image, batch size; gives the class scores.</param>
    /// <param name="epsilon">What its normalizations add to the variance.</param>
    internal static Architecture OfConvolutions(string name, Func<ConvolutionNetwork, Features, long, Value> body, double epsilon = 1e-5) => OfImages(name, ImageSize, body, [1000], epsilon);

    /// <summary>A network of convolutions that reads images.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="size">Pixels a side.</param>
    /// <param name="body">Writes it: network, image, batch size; gives the result.</param>
    /// <param name="result">Shape of what it gives for one image.</param>
    /// <param name="epsilon">What its normalizations add to the variance.</param>
    internal static Architecture OfImages(string name, int size, Func<ConvolutionNetwork, Features, long, Value> body, Dimension[] result, double epsilon)
    {
        return new(name, Build, (count, seed) => PinkNoise.Images("input", size, count, seed));

        Model Build(ArchitectureOptions options)
        {
            IReadOnlyList<ChannelStatistics>? statistics = options.Calibrate ? Statistics(options.Seed) : null;
            return Write(options.Seed, options.Fold ? NormalizationForm.Folded : NormalizationForm.Node, 1, statistics).Model;
        }

        (Model Model, ConvolutionNetwork Network) Write(int seed, NormalizationForm form, long batch, IReadOnlyList<ChannelStatistics>? statistics)
        {
            Model model = NewModel(name);
            ConvolutionNetwork network = new(model.Graph, new((ulong)seed), form, statistics) { Epsilon = epsilon };
            Value image = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, batch, 3, size, size));
            GiveOut(model, body(network, new(image, 3), batch), "output", [batch, .. result]);
            return (model, network);
        }

        // All in one run: a normalization by the statistics of the batch is what the next one's input depends on.
        IReadOnlyList<ChannelStatistics> Statistics(int seed)
        {
            const int Batch = 8;
            (Model model, ConvolutionNetwork network) = Write(seed, NormalizationForm.OfBatch, Batch, null);
            if (network.OfBatch.Count == 0)
                return [];
            foreach ((Value mean, Value variance) in network.OfBatch)
            {
                foreach (Value value in new[] { mean, variance })
                {
                    value.Type = new OnnxType.Tensor(ElementType.Float32, null);
                    model.Graph.AddOutput(value);
                }
            }
            float[] images = [.. PinkNoise.Images("input", size, Batch, (ulong)DataPart.Training).Samples().SelectMany(s => s.Steps[0]["input"].ToFloats())];
            using ModelSession session = new(model);
            IReadOnlyDictionary<string, Tensor> seen = session.Run(new Dictionary<string, Tensor> { ["input"] = Tensor.Create([Batch, 3, size, size], images) });
            return [.. network.OfBatch.Select(v => new ChannelStatistics(seen[v.Mean.Name].ToFloats(), seen[v.Variance.Name].ToFloats()))];
        }
    }

    /// <summary>The vision transformer.</summary>
    internal static Architecture OfPatches(string name)
    {
        return new(name, options =>
        {
            Model model = NewModel(name);
            Value image = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, 1, 3, ImageSize, ImageSize));
            GiveOut(model, VisionTransformer.Build(new(model.Graph, new((ulong)options.Seed)) { Epsilon = 1e-6 }, image), "output", 1, 1000);
            return model;
        }, Images);
    }

    /// <summary>A network that reads tokens.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="length">Tokens.</param>
    /// <param name="vocabulary">Different tokens.</param>
    /// <param name="epsilon">What its normalizations add to the variance.</param>
    /// <param name="body">Writes it and gives its outputs: name, value, shape.</param>
    internal static Architecture OfTokens(string name, int length, int vocabulary, double epsilon, Func<TransformerNetwork, Value, IEnumerable<(string Name, Value Value, Dimension[] Shape)>> body)
    {
        return new(name, options =>
        {
            Model model = NewModel(name);
            Value tokens = model.Graph.AddInput("input_ids", OnnxType.Of(ElementType.Int64, 1, length));
            foreach ((string output, Value value, Dimension[] shape) in body(new(model.Graph, new((ulong)options.Seed)) { Epsilon = epsilon }, tokens))
                GiveOut(model, value, output, shape);
            return model;
        }, (count, seed) => ZipfTokens.Sequences("input_ids", length, vocabulary, count, seed));
    }

    /// <summary>The recurrent network.</summary>
    internal static Architecture OfSteps(string name)
    {
        return new(name, options =>
        {
            Model model = NewModel(name);
            Value steps = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, 1, LongShortTermMemory.Steps, LongShortTermMemory.Features));
            GiveOut(model, new LongShortTermMemory(model.Graph, new((ulong)options.Seed)).Build(steps), "output", 1, LongShortTermMemory.Classes);
            return model;
        }, (count, seed) => PinkNoise.Sequences("input", LongShortTermMemory.Steps, LongShortTermMemory.Features, count, seed));
    }

    private const int ImageSize = 224;

    private static IDataSet Images(int count, ulong seed) => PinkNoise.Images("input", ImageSize, count, seed);

    private static Model NewModel(string name) => new(opset: 13, irVersion: 7, graphName: name);

    private static void GiveOut(Model model, Value value, string name, params Dimension[] shape)
    {
        value.Type = OnnxType.Of(ElementType.Float32, [.. shape]);
        value.Rename(name);
        model.Graph.AddOutput(value);
    }
}
