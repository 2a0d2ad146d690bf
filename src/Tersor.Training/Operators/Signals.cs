using Tersor.Onnx;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Fourier transforms, windows and mel filters.</summary>
internal static class Signals
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("BlackmanWindow", 17, c => Cosines(c, [0.42, -0.5, 0.08])),
        new("DFT", 17, Scoped(c => Fourier(c, c.Node.Int("axis", 1)))),
        new("DFT", 20, Scoped(c => Fourier(c, c.OptionalLongs(2)?[0] ?? -2))),
        new("HammingWindow", 17, c => Cosines(c, [25.0 / 46, -21.0 / 46])),
        new("HannWindow", 17, c => Cosines(c, [0.5, -0.5])),
        new("MelWeightMatrix", 17, Mel),
        new("STFT", 17, Scoped(ShortTime)),
    ];

    /// <summary>A sum of cosines of whole multiples of one turn over the window.</summary>
    private static OperatorResult Cosines(OperatorCall call, double[] factors)
    {
        long size = call.Longs(0)[0];
        double turn = 2 * Math.PI / (call.Node.Int("periodic", 1) != 0 ? size : size - 1);
        double[] values = new double[size];
        for (int i = 0; i < size; i++)
        {
            for (int k = 0; k < factors.Length; k++)
                values[i] += factors[k] * Math.Cos(k * turn * i);
        }
        return tensor(values, call.Carrier((ElementType)call.Node.Int("output_datatype", 1)));
    }

    /// <summary>Source: ONNX DFT-20: the last axis holds real and imaginary parts, or real numbers only.</summary>
    private static OperatorResult Fourier(OperatorCall call, long axis)
    {
        Tensor x = Wide(call[0]);
        bool inverse = call.Node.Int("inverse", 0) != 0, half = call.Node.Int("onesided", 0) != 0;
        axis = call.Axis(axis, x.ndim);
        long length = call.OptionalLongs(1)?[0] ?? -1;
        Tensor y;
        if (half && inverse)
            y = fft.irfft(Complex(x), length, axis).unsqueeze(-1);
        else if (half)
            y = fft.rfft(x.select(-1, 0), length, axis).view_as_real();
        else
            y = (inverse ? fft.ifft(Complex(x), length, axis) : fft.fft_(Complex(x), length, axis)).view_as_real();
        return As(y, call[0].dtype);
    }

    private static Tensor Complex(Tensor x) => (x.shape[^1] == 2 ? x : cat([x, zeros_like(x)], -1)).contiguous().view_as_complex();

    private static OperatorResult ShortTime(OperatorCall call)
    {
        Tensor signal = Wide(call[0]);
        long step = call.Longs(1)[0];
        Tensor? window = call.Optional(2);
        long length = call.OptionalLongs(3)?[0] ?? window?.numel() ?? throw call.Bad("has neither a window nor a frame length");
        bool half = call.Node.Int("onesided", 1) != 0, complex = signal.ndim == 3 && signal.shape[2] == 2;
        Tensor frames = (complex ? Complex(signal) : signal.reshape(signal.shape[0], signal.shape[1])).unfold(1, length, step);
        if (window is not null)
            frames = frames * Wide(window);
        Tensor y = half ? fft.rfft(frames, length) : fft.fft_(frames, length);
        return As(y.view_as_real(), call[0].dtype);
    }

    /// <summary>Source: ONNX MelWeightMatrix-17.</summary>
    private static OperatorResult Mel(OperatorCall call)
    {
        long bins = call.Longs(0)[0], length = call.Longs(1)[0], rate = call.Longs(2)[0], rows = length / 2 + 1;
        double low = ToMel(call.Number(3)), step = (ToMel(call.Number(4)) - low) / (bins + 2);
        long[] edges = [.. Enumerable.Range(0, (int)bins + 2).Select(i => (long)Math.Floor((length + 1) * (700 * (Math.Pow(10, (low + i * step) / 2595) - 1)) / rate))];
        double[] weights = new double[rows * bins];
        for (int i = 0; i < bins; i++)
        {
            (long lower, long center, long higher) = (edges[i], edges[i + 1], edges[i + 2]);
            if (center == lower)
                weights[center * bins + i] = 1;
            for (long j = lower; j <= center && center > lower; j++)
                weights[j * bins + i] = (double)(j - lower) / (center - lower);
            for (long j = center; j < higher; j++)
                weights[j * bins + i] = (double)(higher - j) / (higher - center);
        }
        return tensor(weights, [rows, bins], call.Carrier((ElementType)call.Node.Int("output_datatype", 1)));

        static double ToMel(double hertz) => 2595 * Math.Log10(1 + hertz / 700);
    }
}
