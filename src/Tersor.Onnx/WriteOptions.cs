namespace Tersor.Onnx;

/// <summary>Where large tensors go.</summary>
public enum ExternalDataMode
{
    /// <summary>Into the model file, unless that would exceed 2 GB; or where the model's data was external already.</summary>
    Auto,

    /// <summary>Into the model file; an error beyond 2 GB.</summary>
    Never,

    /// <summary>Into a file beside the model.</summary>
    Always,
}

/// <summary>How a model file is written. Immutable; change it with <c>with</c>.</summary>
public sealed record WriteOptions
{
    /// <summary>Where large tensors go. Default: <see cref="ExternalDataMode.Auto"/>.</summary>
    public ExternalDataMode ExternalData { get; init; } = ExternalDataMode.Auto;

    /// <summary>Tensors of fewer bytes than this stay in the model file. Default 1024.</summary>
    public int ExternalDataThreshold { get; init; } = 1024;

    /// <summary>Size of tensor data beyond which <see cref="ExternalDataMode.Auto"/> uses external data. Default 1.9 GB, since a protobuf file ends at 2 GB.</summary>
    public long MaxInlineBytes { get; init; } = 1_900_000_000;

    /// <summary>Waits until the disk has what was written, so that a power cut cannot lose it. Default: yes; no for files that are read once and deleted.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Called with the complete file under its temporary name, data file in place, before it gets its final name. An exception from it leaves the final name untouched.</summary>
    public Action<string>? Verify { get; init; }
}
