using Tersor.Compression.Numerics;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Numerics;

public sealed class OrderedSumTests
{
    [Fact]
    public void A_dot_product_has_the_bits_of_32_partial_sums_at_every_length()
    {
        for (int length = 0; length <= 130; length++)
        {
            float[] a = Build.Normal(length + 1, 1, length).ToFloats(), b = Build.Normal(length + 500, 1, length).ToFloats(), sums = new float[32];
            for (int i = 0; i < length; i++)
                sums[i % 32] += a[i] * b[i];
            float expected = 0;
            foreach (float sum in sums)
                expected += sum;
            Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(OrderedSum.Dot(a, b)));
        }
    }
}
