using System.Text;

namespace Tersor.Data.Metrics;

/// <summary>Typographic variants that a reader takes for the same character, as ASCII.</summary>
internal static class TextFolding
{
    public static string Fold(string text)
    {
        StringBuilder folded = new(text.Length);
        foreach (char c in text)
        {
            _ = c switch
            {
                '‘' or '’' or '‚' or '‛' or '′' or '´' or '`' => folded.Append('\''),
                '“' or '”' or '„' or '‟' or '″' or '〝' or '〞' => folded.Append('"'),
                '‐' or '‑' or '‒' or '–' or '—' or '―' or '−' => folded.Append('-'),
                '…' => folded.Append("..."),
                '。' => folded.Append('.'),
                '、' => folded.Append(','),
                '\u3000' or '\u00a0' => folded.Append(' '),
                >= '！' and <= '～' => folded.Append((char)(c - 0xFEE0)), // full-width forms mirror ASCII 0x21..0x7e
                _ => folded.Append(c),
            };
        }
        return folded.ToString();
    }
}
