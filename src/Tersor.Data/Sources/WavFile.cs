using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tersor.Data.Sources;

/// <summary>Sound as numbers in -1..1, channels interleaved.</summary>
/// <param name="SampleRate">In Hz.</param>
/// <param name="Channels">Number of channels.</param>
/// <param name="Samples">Samples[t · Channels + c].</param>
internal sealed record WavFile(int SampleRate, int Channels, float[] Samples)
{
    private const int Pcm = 1, Float = 3, Extensible = 0xFFFE;

    /// <exception cref="DataException">No RIFF/WAVE file of PCM 8, 16, 24, 32 bits or float 32, 64 bits.</exception>
    public static WavFile Read(string path) => Files.Read(path, p => Parse(File.ReadAllBytes(p), p));

    /// <summary>One channel, or the mean of all when <paramref name="channel"/> is null.</summary>
    public float[] Mono(int? channel)
    {
        float[] mono = new float[Samples.Length / Channels];
        for (int t = 0; t < mono.Length; t++)
        {
            if (channel is { } c)
            {
                mono[t] = Samples[t * Channels + c];
                continue;
            }
            float sum = 0;
            for (int i = 0; i < Channels; i++)
                sum += Samples[t * Channels + i];
            mono[t] = sum / Channels;
        }
        return mono;
    }

    private static WavFile Parse(byte[] file, string path)
    {
        if (file.Length < 12 || !file.AsSpan(0, 4).SequenceEqual("RIFF"u8) || !file.AsSpan(8, 4).SequenceEqual("WAVE"u8))
            throw new DataException($"File '{path}' is no WAV file: it does not start with RIFF....WAVE.");
        ReadOnlySpan<byte> format = default;
        for (long at = 12; at + 8 <= file.Length;)
        {
            ReadOnlySpan<byte> chunk = file.AsSpan((int)at);
            long size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            ReadOnlySpan<byte> body = chunk[8..(int)Math.Min(8 + size, chunk.Length)];
            if (chunk[..4].SequenceEqual("fmt "u8))
                format = body;
            // A writer that was stopped leaves a size of 0 or 2^32 - 1: what is there counts then.
            if (chunk[..4].SequenceEqual("data"u8))
                return Decode(format, body, path);
            at += 8 + size + (size & 1);
        }
        throw new DataException($"File '{path}' has no data chunk.");
    }

    private static WavFile Decode(ReadOnlySpan<byte> format, ReadOnlySpan<byte> data, string path)
    {
        if (format.Length < 16)
            throw new DataException($"File '{path}' has no fmt chunk before its data.");
        int code = BinaryPrimitives.ReadUInt16LittleEndian(format), channels = BinaryPrimitives.ReadUInt16LittleEndian(format[2..]);
        int rate = BinaryPrimitives.ReadInt32LittleEndian(format[4..]), bits = BinaryPrimitives.ReadUInt16LittleEndian(format[14..]);
        if (code == Extensible && format.Length >= 26)
            code = BinaryPrimitives.ReadUInt16LittleEndian(format[24..]);
        if (channels == 0 || rate <= 0)
            throw new DataException($"File '{path}' has {Plural.Of(channels, "channel")} at {rate} Hz.");
        float[] samples = (code, bits) switch
        {
            (Pcm, 8) => Convert(data, 1, b => (b[0] - 128) / 128f),
            (Pcm, 16) => Convert(data, 2, b => BinaryPrimitives.ReadInt16LittleEndian(b) / 32768f),
            (Pcm, 24) => Convert(data, 3, b => (b[0] << 8 | b[1] << 16 | b[2] << 24) / 2147483648f),
            (Pcm, 32) => Convert(data, 4, b => BinaryPrimitives.ReadInt32LittleEndian(b) / 2147483648f),
            (Float, 32) => MemoryMarshal.Cast<byte, float>(data[..(data.Length / 4 * 4)]).ToArray(),
            (Float, 64) => Convert(data, 8, b => (float)BinaryPrimitives.ReadDoubleLittleEndian(b)),
            _ => throw new DataException($"File '{path}' has WAV format {code} with {Plural.Of(bits, "bit")}; expected PCM (1) with 8, 16, 24 or 32 bits, or float (3) with 32 or 64."),
        };
        return new(rate, channels, samples.Length % channels == 0 ? samples : samples[..^(samples.Length % channels)]);
    }

    private static float[] Convert(ReadOnlySpan<byte> data, int width, Func<ReadOnlySpan<byte>, float> convert)
    {
        float[] samples = new float[data.Length / width];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = convert(data.Slice(i * width, width));
        return samples;
    }
}
