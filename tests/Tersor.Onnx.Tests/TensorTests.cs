using System.Collections.Immutable;

namespace Tersor.Onnx.Tests;

public sealed class TensorTests
{
    [Theory]
    [InlineData(new long[] { }, 1L)]
    [InlineData(new[] { 1L << 62, 0, 1L << 62 }, 0L)]
    [InlineData(new[] { 1L << 31, (1L << 32) - 1 }, long.MaxValue - (1L << 31) + 1)]
    [InlineData(new[] { 1L << 62, 4 }, null)]
    [InlineData(new[] { 0, -1L }, null)]
    [InlineData(new[] { long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue }, null)]
    public void A_shape_that_is_only_claimed_has_a_number_of_elements_or_none(long[] shape, long? expected) =>
        Assert.Equal(expected, Tensor.TryElementCount(shape, out long count) ? count : null);

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(-2.5f, 0xC020)]
    [InlineData(float.PositiveInfinity, 0x7F80)]
    [InlineData(float.MaxValue, 0x7F80)] // rounds up, out of range
    [InlineData(1.00390625f, 0x3F80)] // exactly between two: to even, down
    [InlineData(1.01171875f, 0x3F82)] // exactly between two: to even, up
    [InlineData(1.00390637f, 0x3F81)] // just above the middle
    [InlineData(1e-45f, 0x0000)] // smallest subnormal single
    [InlineData(-0f, 0x8000)]
    public void Bfloat16_rounds_to_nearest_even(float value, int bits) => Assert.Equal(bits, ((BFloat16)value).Bits);

    [Fact]
    public void Every_bfloat16_survives_the_way_through_float()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            BFloat16 value = new((ushort)bits);
            if (float.IsNaN((float)value))
                Assert.True(float.IsNaN((float)(BFloat16)(float)value));
            else
                Assert.Equal(value, (BFloat16)(float)value);
        }
    }

    [Theory]
    [InlineData(ElementType.Int4, new[] { -8, 7, -1, 0, 5 }, new byte[] { 0x78, 0x0F, 0x05 })]
    [InlineData(ElementType.UInt4, new[] { 15, 1, 9 }, new byte[] { 0x1F, 0x09 })]
    [InlineData(ElementType.Int2, new[] { -2, 1, -1, 0, 1 }, new byte[] { 0b00_11_01_10, 0b01 })]
    [InlineData(ElementType.UInt2, new[] { 3, 0, 1, 2 }, new byte[] { 0b10_01_00_11 })]
    public void Packed_integers_lie_first_in_the_lowest_bits(ElementType type, int[] values, byte[] bytes)
    {
        Tensor tensor = Tensor.FromPacked(type, [values.Length], values);
        Assert.Equal(bytes, tensor.Bytes.ToArray());
        Assert.Equal(values.Select(v => (long)v), tensor.ToInt64s());
        Assert.Equal(values.Select(v => (float)v), tensor.ToFloats());
    }

    [Fact]
    public void A_packed_value_out_of_range_and_a_wrong_number_of_bytes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Tensor.FromPacked(ElementType.Int4, [1], [8]));
        Assert.Throws<ArgumentException>(() => Tensor.FromPacked(ElementType.Float32, [1], [8]));
        Assert.Throws<ArgumentException>(() => Tensor.FromBytes(ElementType.Int4, [3], new byte[1]));
        Assert.Throws<ArgumentException>(() => Tensor.Create([2, 2], new float[3]));
    }

    [Fact]
    public void Typed_access_reads_what_was_put_in()
    {
        Assert.Equal([1f, -2f], Tensor.Vector<double>(1, -2).ToFloats());
        Assert.Equal([1f, -2f], Tensor.Vector((Half)1, (Half)(-2)).ToFloats());
        Assert.Equal([1f, -2f], Tensor.Vector((BFloat16)1f, (BFloat16)(-2f)).ToFloats());
        Assert.Equal([1f, 0f], Tensor.Vector(true, false).ToFloats());
        Assert.Equal([255L, 0L], Tensor.Vector<byte>(255, 0).ToInt64s());
        Assert.Equal([-128L], Tensor.Vector<sbyte>(-128).ToInt64s());
        Assert.Equal([65535L], Tensor.Vector<ushort>(65535).ToInt64s());
        Assert.Equal([-32768L], Tensor.Vector<short>(-32768).ToInt64s());
        Assert.Equal([4294967295L], Tensor.Vector(uint.MaxValue).ToInt64s());
        Assert.Equal([int.MinValue], Tensor.Vector(int.MinValue).ToInt64s());
        Assert.Equal([18446744073709551615.0], Tensor.Vector(ulong.MaxValue).ToDoubles());
        Assert.Throws<OverflowException>(() => Tensor.Vector(ulong.MaxValue).ToInt64s());
        Assert.Throws<InvalidOperationException>(() => Tensor.Vector(1f).ToInt64s());
        Assert.Throws<InvalidOperationException>(() => Tensor.Vector(1f).Span<int>().Length);
        Assert.Equal(0, Tensor.Create([0, 3], Array.Empty<float>()).Length);
        Assert.Equal(1, Tensor.Scalar(1f).Length);
    }

    [Fact]
    public void Content_is_compared_and_hashed_by_bits()
    {
        Assert.True(Tensor.Vector(float.NaN).ContentEquals(Tensor.Vector(float.NaN)));
        Assert.False(Tensor.Vector(0f).ContentEquals(Tensor.Vector(-0f)));
        Assert.False(Tensor.Vector(0f).ContentEquals(Tensor.Vector(0)));
        Assert.False(Tensor.Vector(0f).ContentEquals(Tensor.Scalar(0f)));
        Assert.Equal(Tensor.Vector(1f, 2f).ContentHash(), Tensor.FromBytes(ElementType.Float32, [2], Tensor.Vector(1f, 2f).Bytes.ToArray()).ContentHash());
        Assert.NotEqual(Tensor.FromStrings([2], ["ab", "c"]).ContentHash(), Tensor.FromStrings([2], ["a", "bc"]).ContentHash());
        Assert.True(Tensor.FromStrings([2], ["ab", "c"]).ContentEquals(Tensor.FromStrings([2], ["ab", "c"])));
    }

    [Fact]
    public void Parts_of_a_tensor_are_read_at_any_byte()
    {
        Tensor tensor = Tensor.Vector(0x04030201, 0x08070605);
        for (int offset = 0; offset <= 8; offset++)
        {
            for (int count = 0; count <= 8 - offset; count++)
            {
                byte[] part = new byte[count];
                tensor.Read(offset, part);
                Assert.Equal(Enumerable.Range(1 + offset, count).Select(i => (byte)i), part);
            }
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Read(5, new byte[4]));
    }

    [Fact]
    public void Element_counts_know_negative_empty_and_overflowing_shapes()
    {
        Assert.Equal(24, Tensor.ElementCount([2, 3, 4]));
        Assert.Equal(0, Tensor.ElementCount([1L << 62, 1L << 62, 0]));
        Assert.Throws<ArgumentException>(() => Tensor.ElementCount([1L << 62, 1L << 62, 0, -1]));
        Assert.Throws<ArgumentException>(() => Tensor.ElementCount([1L << 62, 2]));
    }

    [Fact]
    public void A_sparse_tensor_becomes_dense_by_linear_or_coordinate_indices()
    {
        Assert.Equal([0f, 5f, 0f, 6f], new SparseTensor(Tensor.Vector(5f, 6f), Tensor.Vector(1L, 3L), [2, 2]).ToDense().ToFloats());
        Assert.Equal([0f, 5f, 6f, 0f], new SparseTensor(Tensor.Vector(5f, 6f), Tensor.Create([2, 2], [0L, 1L, 1L, 0L]), [2, 2]).ToDense().ToFloats());
        ImmutableArray<long> shape = [2, 2];
        Assert.Throws<OnnxException>(() => new SparseTensor(Tensor.Vector(5f), Tensor.Vector(4L), shape).ToDense());
        Assert.Throws<OnnxException>(() => new SparseTensor(Tensor.Vector(5f), Tensor.Create([1, 2], [0L, 3L]), shape).ToDense()); // within the tensor, but not within its row
        Assert.Throws<OnnxException>(() => new SparseTensor(Tensor.Vector(5f), Tensor.Vector(0L), [1L << 40]).ToDense());
    }
}
