using System.Collections.Immutable;
using System.Text;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx;

/// <summary>A node's attribute: a closed family with one shape for each kind ONNX has.</summary>
public abstract record NodeAttribute
{
    private NodeAttribute()
    {
    }

    /// <summary>The file's comment on it, or null.</summary>
    public string? DocString => Rest is { HasDocString: true } ? Rest.DocString : null;

    /// <summary>What the file says beyond the value: comments, the names of attribute tensors, fields unknown to this library.</summary>
    internal AttributeProto? Rest { get; init; }

    /// <summary>A single-precision number.</summary>
    public sealed record Float(float Value) : NodeAttribute;

    /// <summary>An integer.</summary>
    public sealed record Int(long Value) : NodeAttribute;

    /// <summary>A byte string, UTF-8 by convention.</summary>
    public sealed record String(ReadOnlyMemory<byte> Bytes) : NodeAttribute
    {
        /// <summary>The bytes as text.</summary>
        public string Text => Encoding.UTF8.GetString(Bytes.Span);
    }

    /// <summary>A constant tensor.</summary>
    public sealed record TensorValue(Tensor Value) : NodeAttribute;

    /// <summary>A constant sparse tensor.</summary>
    public sealed record Sparse(SparseTensor Value) : NodeAttribute;

    /// <summary>A body: a branch of If, the body of Loop or Scan.</summary>
    public sealed record Body(Graph Value) : NodeAttribute;

    /// <summary>A type.</summary>
    public sealed record TypeValue(OnnxType Value) : NodeAttribute;

    /// <summary>Several numbers.</summary>
    public sealed record Floats(ImmutableArray<float> Values) : NodeAttribute;

    /// <summary>Several integers.</summary>
    public sealed record Ints(ImmutableArray<long> Values) : NodeAttribute;

    /// <summary>Several byte strings.</summary>
    public sealed record Strings(ImmutableArray<ReadOnlyMemory<byte>> Values) : NodeAttribute;

    /// <summary>Several tensors.</summary>
    public sealed record Tensors(ImmutableArray<Tensor> Values) : NodeAttribute;

    /// <summary>Several sparse tensors.</summary>
    public sealed record Sparses(ImmutableArray<SparseTensor> Values) : NodeAttribute;

    /// <summary>Several bodies.</summary>
    public sealed record Bodies(ImmutableArray<Graph> Values) : NodeAttribute;

    /// <summary>Several types.</summary>
    public sealed record Types(ImmutableArray<OnnxType> Values) : NodeAttribute;

    /// <summary>Inside a function: the caller's attribute of this name. <paramref name="Kind"/> is ONNX's number of the attribute kind.</summary>
    public sealed record Reference(string Name, int Kind) : NodeAttribute;

    /// <summary>An integer attribute.</summary>
    public static implicit operator NodeAttribute(long value) => new Int(value);

    /// <summary>A float attribute.</summary>
    public static implicit operator NodeAttribute(float value) => new Float(value);

    /// <summary>A string attribute, stored as UTF-8.</summary>
    public static implicit operator NodeAttribute(string value) => new String(Encoding.UTF8.GetBytes(value));

    /// <summary>An integer list.</summary>
    public static implicit operator NodeAttribute(long[] values) => new Ints([.. values]);

    /// <summary>A float list.</summary>
    public static implicit operator NodeAttribute(float[] values) => new Floats([.. values]);

    /// <summary>A tensor attribute.</summary>
    public static implicit operator NodeAttribute(Tensor value) => new TensorValue(value);

    /// <summary>A body.</summary>
    public static implicit operator NodeAttribute(Graph value) => new Body(value);

    /// <summary>The bodies this attribute holds.</summary>
    internal ImmutableArray<Graph> Graphs => this switch
    {
        Body body => [body.Value],
        Bodies bodies => bodies.Values,
        _ => [],
    };
}
