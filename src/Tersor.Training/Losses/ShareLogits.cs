using Tersor.Onnx.Roles;

namespace Tersor.Training.Losses;

/// <summary>Logits from shares of 1, where what stands in front of the operator that made them cannot be reached.</summary>
internal static class ShareLogits
{
    /// <summary>The least share: what single precision can tell from 1 below it.</summary>
    private const double Least = 1e-7;

    /// <summary>Of classes: ln p, which a Softmax turns into p again.</summary>
    public static Tensor OfClasses(Tensor shares) => shares.clamp_min(Least).log();

    /// <summary>Of answers of yes or no: ln(p / (1 - p)).</summary>
    public static Tensor OfAnswers(Tensor shares) => shares.clamp(Least, 1 - Least).logit();

    /// <summary>What losses of a kind compare: logits, whether a value holds them or shares.</summary>
    /// <param name="value">What stands where the ending says that logits are.</param>
    /// <param name="ending">What ends the output.</param>
    /// <param name="kind">How it is compared.</param>
    public static Tensor For(Tensor value, OutputEnding ending, SoftKind kind) => ending.Closing is not null || ending.Shares is null || kind == SoftKind.Values ? value
        : kind == SoftKind.Classes ? OfClasses(value) : OfAnswers(value);
}
