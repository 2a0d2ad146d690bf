using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Tersor.Reporting.Html;

/// <summary>A page in one file, made of the files embedded in this assembly: a template with places, <c>{{name}}</c>, and what stands in them.</summary>
internal static class HtmlPage
{
    /// <summary>The text of an embedded file, with plain line ends.</summary>
    public static string Read(string file)
    {
        Assembly assembly = typeof(HtmlPage).Assembly;
        using Stream stream = assembly.GetManifestResourceStream($"html/{file}") ?? throw new ArgumentException($"There is no embedded file '{file}'.", nameof(file));
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>Writes a template with its places filled. What stands in a place is written as it is: it may hold braces, and whoever gives it escapes it.</summary>
    /// <param name="template">The text.</param>
    /// <param name="fill">What stands in a place, by its name.</param>
    /// <param name="writer">Where the page goes.</param>
    public static void Write(string template, Func<string, string> fill, TextWriter writer)
    {
        int position = 0;
        for (int open; (open = template.IndexOf("{{", position, StringComparison.Ordinal)) >= 0;)
        {
            int close = template.IndexOf("}}", open, StringComparison.Ordinal);
            writer.Write(template.AsSpan(position, open - position));
            writer.Write(fill(template[(open + 2)..close]));
            position = close + 2;
        }
        writer.Write(template.AsSpan(position));
    }

    /// <summary>Text as it stands between tags or in a quoted attribute.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>What a content security policy calls a script: the only ones that may run are those whose hash it names, so that no other can.</summary>
    public static string HashOf(string script) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'";
}
