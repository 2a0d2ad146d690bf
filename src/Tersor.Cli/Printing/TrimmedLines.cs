using System.Text;

namespace Tersor.Cli.Printing;

/// <summary>Passes text on without the spaces that pad tables at line ends.</summary>
internal sealed class TrimmedLines(TextWriter inner) : TextWriter
{
    private int spaces;

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value)
    {
        if (value == ' ')
        {
            spaces++;
            return;
        }
        if (value is not ('\r' or '\n'))
        {
            for (int i = 0; i < spaces; i++)
                inner.Write(' ');
        }
        spaces = 0;
        inner.Write(value);
    }

    public override void Flush() => inner.Flush();
}
