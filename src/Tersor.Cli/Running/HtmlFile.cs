using System.Text;

namespace Tersor.Cli.Running;

/// <summary>Pages that appear complete or not at all.</summary>
internal static class HtmlFile
{
    /// <summary>Writes a page.</summary>
    public static void Write(string path, Action<TextWriter> write)
    {
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (StreamWriter writer = new(temporary, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)))
                write(writer);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
