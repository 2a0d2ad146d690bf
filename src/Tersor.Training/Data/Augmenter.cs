using Tersor.Compression.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tersor.Training.Data;

/// <summary>Random changes to inputs. Every draw comes from the generator it is given, so that a step is made again in the same way.</summary>
internal static class Augmenter
{
    /// <summary>Changed inputs: those that change are new, owned by the current scope.</summary>
    public static IReadOnlyDictionary<string, Tensor> Apply(Augmentation settings, IReadOnlyDictionary<string, Tensor> inputs, Random random)
    {
        if (settings is { Flip: 0, Crop: 0, Erase: 0, Noise: 0 })
            return inputs;
        bool mirrored = settings.Flip > 0 && random.NextDouble() < settings.Flip;
        int left = random.Next(2 * settings.Crop + 1), top = random.Next(2 * settings.Crop + 1);
        if (settings is not { Flip: 0, Crop: 0, Erase: 0 } && !inputs.Values.Any(i => i.is_floating_point() && i.dim() == 4))
            throw new TrainingException("Mirroring, shifting and erasing (--flip, --crop, --erase) are for images of floating-point numbers [samples, channels, height, width], and no input of the model is of that kind. Leave them out.");
        return inputs.ToDictionary(i => i.Key, i => i.Value.is_floating_point() ? Changed(settings, i.Value, mirrored, left, top, random) : i.Value);
    }

    private static Tensor Changed(Augmentation settings, Tensor input, bool mirrored, int left, int top, Random random)
    {
        if (input.dim() == 4)
        {
            // Channels last where the last axis is what channels are of, and the second is not.
            bool last = IsChannels(input.shape[3]) && !IsChannels(input.shape[1]);
            int y = last ? 1 : 2, x = y + 1;
            long height = input.shape[y], width = input.shape[x];
            if (mirrored)
                input = input.flip(x);
            if (settings.Crop > 0)
            {
                long[] around = [settings.Crop, settings.Crop, settings.Crop, settings.Crop];
                input = functional.pad(input, last ? [0, 0, .. around] : around).narrow(y, top, height).narrow(x, left, width);
            }
            if (settings.Erase > 0)
                input = input * Holes(settings.Erase, input.shape[0], height, width, random).reshape(last ? [-1, height, width, 1] : [-1, 1, height, width]).to_type(input.dtype);
        }
        return settings.Noise > 0 ? input + randn_like(input) * settings.Noise : input;
    }

    private static bool IsChannels(long size) => size is 1 or 3 or 4;

    /// <summary>1 where a sample keeps its pixels, 0 in one rectangle of each.</summary>
    private static Tensor Holes(double share, long samples, long height, long width, Random random)
    {
        float[] kept = new float[samples * height * width];
        Array.Fill(kept, 1);
        for (long i = 0; i < samples; i++)
        {
            double aspect = Math.Exp((random.NextDouble() - 0.5) * Math.Log(9)); // 1:3 to 3:1
            long rows = Math.Clamp((long)Math.Round(Math.Sqrt(share * height * width * aspect)), 1, height), columns = Math.Clamp((long)Math.Round(share * height * width / rows), 1, width);
            long y = random.NextInt64(height - rows + 1), x = random.NextInt64(width - columns + 1);
            for (long row = y; row < y + rows; row++)
                kept.AsSpan((int)((i * height + row) * width + x), (int)columns).Clear();
        }
        return tensor(kept, [samples, 1, height, width]);
    }
}
