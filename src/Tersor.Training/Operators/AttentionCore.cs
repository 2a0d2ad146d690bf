using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Operators;

/// <summary>softmax(softcap(scale · Q · Kᵀ) + bias) · V, for every operator that computes it.</summary>
/// <param name="Scale">Of the scores; null: 1 / √(head size).</param>
internal sealed record AttentionCore(double? Scale = null)
{
    /// <summary>Scores are drawn into (−softcap, softcap) by tanh; 0: they are not.</summary>
    public double Softcap { get; init; }

    /// <summary>Query i sees keys 0..i. Only without a bias; otherwise it goes into the bias.</summary>
    public bool IsCausal { get; init; }

    /// <summary>Which scores are wanted beside the result: 0 the raw ones, 1 after softcap, 2 after the bias, 3 after softmax; null: none.</summary>
    public long? Scores { get; init; }

    /// <summary>Changes scores before softmax.</summary>
    public Func<Tensor, Tensor>? ChangeScores { get; init; }

    /// <summary>Changes probabilities after softmax.</summary>
    public Func<Tensor, Tensor>? ChangeProbabilities { get; init; }

    /// <summary>Computes it.</summary>
    /// <param name="q">[batch, heads, queries, size].</param>
    /// <param name="k">[batch, heads / n, keys, size].</param>
    /// <param name="v">[batch, heads / n, keys, size of values].</param>
    /// <param name="bias">Broadcasts to [batch, heads, queries, keys]; minus infinity hides a key. A query that sees none gives zeros. Null: none.</param>
    /// <returns>[batch, heads, queries, size of values], and the scores that are wanted.</returns>
    public (Tensor Result, Tensor? Scores) Run(Tensor q, Tensor k, Tensor v, Tensor? bias)
    {
        long repeats = q.shape[1] / k.shape[1];
        if (repeats > 1)
            (k, v) = (k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1));
        double scale = Scale ?? 1 / Math.Sqrt(q.shape[3]);
        Tensor? blind = bias is null ? null : Blind(bias);
        if (Softcap == 0 && Scores is null && blind is null && ChangeScores is null && ChangeProbabilities is null)
            return (F.scaled_dot_product_attention(q * (scale * Math.Sqrt(q.shape[3])), k, v, bias, 0, IsCausal), null);
        if (IsCausal && bias is null)
            bias = Hidden(ones([q.shape[2], k.shape[2]], ScalarType.Bool).tril(), q.dtype);
        double root = Math.Sqrt(scale); // half precision overflows less often when both factors are scaled
        Tensor raw = matmul(q * root, (k * root).transpose(-2, -1));
        Tensor capped = Softcap == 0 ? raw : (raw / Softcap).tanh() * Softcap;
        Tensor biased = bias is null ? capped : capped + bias;
        Tensor changed = ChangeScores is null ? biased : ChangeScores(biased);
        // Nothing but minus infinities has no softmax, and NaN would spoil the gradients even where it is replaced afterwards.
        Tensor probabilities = blind is null ? F.softmax(changed, -1) : F.softmax(changed.masked_fill(blind, 0), -1).masked_fill(blind, 0);
        if (ChangeProbabilities is not null)
            probabilities = ChangeProbabilities(probabilities);
        return (matmul(probabilities, v), Scores switch { null => null, 0 => raw, 1 => capped, 2 => biased, _ => probabilities });
    }

    /// <summary>A bias that hides what is not seen.</summary>
    public static Tensor Hidden(Tensor seen, ScalarType type) => zeros(seen.shape, type).masked_fill(seen.logical_not(), double.NegativeInfinity);

    /// <summary>[batch, length, heads · size] as [batch, heads, length, size].</summary>
    public static Tensor Split(Tensor x, long heads) => x.reshape(x.shape[0], x.shape[1], heads, heads == 0 ? 0 : x.shape[2] / heads).transpose(1, 2);

    /// <summary>[batch, heads, length, size] as [batch, length, heads · size].</summary>
    public static Tensor Join(Tensor x) => x.transpose(1, 2).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3]);

    /// <summary>Which queries see no key; null where every query sees one.</summary>
    private static Tensor? Blind(Tensor bias)
    {
        using IDisposable _ = no_grad();
        Tensor rows = bias.amax([-1], keepdim: true).isneginf();
        return rows.any().item<bool>() ? rows : null;
    }
}
