using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Makes the tables of docs/measurements.md anew: each stands between <c>&lt;!-- table: command --&gt;</c> and <c>&lt;!-- end of table --&gt;</c>, and is what that command prints.</summary>
internal static class Documents
{
    private const string Start = "<!-- table: ", End = "<!-- end of table -->";

    /// <param name="arguments">Commands whose tables are made, all where there are none: <c>models</c>, <c>architectures</c> ...</param>
    /// <param name="run">Runs a command.</param>
    /// <param name="output">Told which.</param>
    public static int Run(string[] arguments, Func<string[], TextWriter, int> run, TextWriter output)
    {
        string path = Path.Combine(SharedFiles.Repository, "docs", "measurements.md");
        int place = 0;
        string text = File.ReadAllText(path);
        while ((place = text.IndexOf(Start, place, StringComparison.Ordinal)) >= 0)
        {
            int line = text.IndexOf('\n', place) + 1, end = text.IndexOf(End, line, StringComparison.Ordinal);
            string[] command = text[(place + Start.Length)..text.IndexOf(" -->", place, StringComparison.Ordinal)].Split(' ');
            place = line;
            if (arguments.Length > 0 && !arguments.Contains(command[0]))
                continue;
            output.WriteLine(string.Join(' ', command));
            using StringWriter table = new() { NewLine = "\n" };
            if (run(command, table) != 0)
            {
                output.WriteLine(table.ToString());
                return 1;
            }
            // As soon as it is made: all of them take an hour.
            text = $"{text[..line]}\n{table.ToString().Trim()}\n\n{text[end..]}";
            File.WriteAllText(path, text);
        }
        return 0;
    }
}
