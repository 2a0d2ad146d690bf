using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>How <see cref="AdaptiveRounding"/> works. Immutable; change it with <c>with</c>.</summary>
public sealed record AdaptiveRoundingOptions
{
    /// <summary>Largest magnitude of the integers: 127 for 8 bits, 63 for 7, 7 for 4. Default 127.</summary>
    public int Limit { get; init; } = WeightQuantizer.Limit;

    /// <summary>One scale a weight instead of one an output channel. Default: no.</summary>
    public bool PerTensor { get; init; }

    /// <summary>Choose scales by the least expected squared error of the output, so that large weights may be clipped; otherwise nothing is clipped. Default: yes.</summary>
    public bool ClipWeights { get; init; } = true;

    /// <summary>Round each weight so that the layer's output is kept; otherwise to nearest. Default: yes.</summary>
    public bool Round { get; init; } = true;

    /// <summary>Add what the layer's mean output loses to its bias. Default: yes.</summary>
    public bool CorrectBias { get; init; } = true;

    /// <summary>Input patches sampled for each layer, at most. Default 1024.</summary>
    public int Patches { get; init; } = 1024;

    /// <summary>Bytes of sampled patches held at once; layers beyond are done in further runs over the data. Default 32 MB.</summary>
    public long PatchBudget { get; init; } = 32L << 20;

    /// <summary>Layers with longer patches are rounded to nearest: the work grows with the square. Default 8192.</summary>
    public int MaxInputs { get; init; } = 8192;

    /// <summary>Share of the mean second moment added to each input's, 0..1: guards against inputs the samples do not show. Default 0.01.</summary>
    public double Damping { get; init; } = 0.01;

    /// <summary>Layers whose inputs come from the quantized model are done in this many steps, in graph order, each with the layers before it quantized. Default 1.</summary>
    public int Steps { get; init; } = 1;

    /// <summary>Makes the quantized model from the float model so far and the scales so far (layers without one as the quantizer sees fit): layers then make up for the errors before them too.
    /// Nodes must keep their first outputs' names. Null: layers see float inputs.</summary>
    public Func<Model, IReadOnlyDictionary<string, float[]>, Model>? Quantize { get; init; }

    /// <summary>Why a layer must be left as it is, or null. Default: none must.</summary>
    public Func<Node, string?> KeepFloat { get; init; } = _ => null;

    /// <summary>Draws the patches. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Threads of the search; the result does not depend on them. Default 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>How the model is run.</summary>
    public ObserverSettings Observer { get; init; } = new();
}
