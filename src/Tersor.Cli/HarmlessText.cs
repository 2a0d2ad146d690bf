using System.Text;

namespace Tersor.Cli;

/// <summary>Text that a terminal shows and does not obey: names in models and data may hold escape sequences, which move the cursor, fill the clipboard or hide what stands there, and marks that turn the direction of writing.</summary>
internal static class HarmlessText
{
    private const char Unknown = '\uFFFD', Pictures = '\u2400', PictureOfDelete = '\u2421';

    /// <summary>The text with a picture in the place of each character that controls a terminal.</summary>
    /// <param name="text">Any.</param>
    /// <param name="lines">Whether it may have several lines.</param>
    public static string Of(string text, bool lines = false)
    {
        if (!text.Any(c => IsHarmful(c, lines)))
            return text;
        return string.Create(text.Length, (text, lines), static (span, state) =>
        {
            for (int i = 0; i < span.Length; i++)
                span[i] = Harmless(state.text[i], state.lines);
        });
    }

    /// <summary>One character.</summary>
    public static char Harmless(char c, bool lines) => !IsHarmful(c, lines) ? c : c < ' ' ? (char)(Pictures + c) : c == '\u007F' ? PictureOfDelete : Unknown;

    private static bool IsHarmful(char c, bool lines) => c switch
    {
        '\n' or '\r' or '\t' => !lines,
        _ => char.IsControl(c) || c is '\u061C' or '\u200E' or '\u200F' or (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069'),
    };

    /// <summary>Passes on what is harmless.</summary>
    public sealed class Writer(TextWriter inner) : TextWriter
    {
        public override Encoding Encoding => inner.Encoding;

        public override void Write(char value) => inner.Write(Harmless(value, lines: true));

        public override void Write(string? value) => inner.Write(value is null ? null : Of(value, lines: true));

        public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

        public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

        public override void WriteLine(string? value)
        {
            Write(value);
            inner.WriteLine();
        }

        public override void Flush() => inner.Flush();
    }
}
